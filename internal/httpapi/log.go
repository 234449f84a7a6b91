package httpapi

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"redress/internal/claims"
)

// serveLog answers a file of the published log.
func (s *server) serveLog(c *gin.Context) {
	if err := s.audit.Serve(c.Writer, c.Request, strings.TrimPrefix(c.Request.URL.Path, "/log/")); err != nil {
		s.refuse(c, err)
	}
}

func (s *server) ListReceipts(ctx context.Context, r ListReceiptsRequestObject) (ListReceiptsResponseObject, error) {
	receipts, err := s.claims.Receipts(ctx, actorOf(ctx), r.Claim)
	if err != nil {
		return nil, err
	}
	return ListReceipts200JSONResponse(ReceiptList{Receipts: each(receipts, toEventReceipt)}), nil
}

func toEventReceipt(r claims.EventReceipt) EventReceipt {
	out := EventReceipt{N: int(r.N), Type: r.Type, At: r.At, Leaf: hex.EncodeToString(r.Leaf), State: Ready}
	if r.Missing != nil {
		out.State = EventReceiptState(r.Missing.Code)
		return out
	}
	out.Receipt = ptr(fmt.Sprintf("/v1/claims/%s/events/%d/receipt", r.ClaimID, r.N))
	return out
}

func (s *server) GetReceipt(ctx context.Context, r GetReceiptRequestObject) (GetReceiptResponseObject, error) {
	file, err := s.claims.Receipt(ctx, actorOf(ctx), r.Claim, r.N)
	return receiptFile(file.Name, file.Text), err
}

func (d download) VisitGetReceiptResponse(w http.ResponseWriter) error { return d.write(w) }
