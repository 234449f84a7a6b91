package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
)

// The defaults of the contract.
const (
	defaultZone     = "Asia/Seoul"
	defaultCurrency = "KRW"
	defaultOutlet   = "main"
)

func (s *server) RegisterClaimant(ctx context.Context, r RegisterClaimantRequestObject) (RegisterClaimantResponseObject, error) {
	answer := func(made claims.Registered) RegisterClaimantResponseObject {
		return RegisterClaimant201JSONResponse{
			Body: RegisteredClaimant{Claimant: toClaimant(made.Claimant), Key: IssuedKey{Key: toKey(made.Key), Token: made.Token}},
			Headers: RegisterClaimant201ResponseHeaders{
				ETag: etag(made.Claimant.Version), Location: ptr("/v1/claimants/" + made.Claimant.ID),
			},
		}
	}
	b := r.Body
	in := claims.Claimant{
		Kind: claims.ClaimantKind(b.Kind), Name: b.Name, Phone: b.Phone, BusinessNumber: identity.Digits(value(b.BusinessNumber)),
		DriverID: value(b.DriverID), Bank: fromBank(b.BankAccount), Zone: defaultZone, Currency: defaultCurrency,
		AnnualRevenue: b.AnnualRevenue, Outlets: each(b.Outlets, fromOutlet),
	}
	if b.Zone != nil {
		in.Zone = *b.Zone
	}
	if b.Currency != nil {
		in.Currency = *b.Currency
	}
	made, err := s.claims.Register(ctx, actorOf(ctx), in, reply(ctx, func(made claims.Registered, w http.ResponseWriter) error {
		return answer(made).VisitRegisterClaimantResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(made), nil
}

func (s *server) GetClaimant(ctx context.Context, r GetClaimantRequestObject) (GetClaimantResponseObject, error) {
	id, err := claimantID(ctx, r.Claimant)
	if err != nil {
		return nil, err
	}
	c, err := s.claims.Claimant(ctx, actorOf(ctx), id)
	if err != nil {
		return nil, err
	}
	return GetClaimant200JSONResponse{Body: toClaimant(c), Headers: GetClaimant200ResponseHeaders{ETag: etag(c.Version)}}, nil
}

// changeable is the part of a claimant that a merge patch changes, in the
// contract's shape.
type changeable struct {
	Name          string       `json:"name"`
	Phone         string       `json:"phone"`
	BankAccount   *BankAccount `json:"bank_account,omitempty"`
	AnnualRevenue *Amount      `json:"annual_revenue,omitempty"`
	Outlets       []Outlet     `json:"outlets"`
}

func (s *server) PatchClaimant(ctx context.Context, r PatchClaimantRequestObject) (PatchClaimantResponseObject, error) {
	version, err := ifMatch(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	id, err := claimantID(ctx, r.Claimant)
	if err != nil {
		return nil, err
	}
	patch, err := rawBody(ctx)
	if err != nil {
		return nil, err
	}
	c, err := s.claims.ChangeClaimant(ctx, actorOf(ctx), id, version, func(c *claims.Claimant) error {
		present := changeable{
			Name: c.Name, Phone: c.Phone, BankAccount: toBank(c.Bank), AnnualRevenue: c.AnnualRevenue, Outlets: each(c.Outlets, toOutlet),
		}
		var wanted changeable
		if err := mergePatch(present, patch, &wanted); err != nil {
			return err
		}
		c.Name, c.Phone, c.Bank, c.AnnualRevenue = wanted.Name, wanted.Phone, fromBank(wanted.BankAccount), wanted.AnnualRevenue
		c.Outlets = keepMasked(each(wanted.Outlets, fromOutlet), c.Outlets)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return PatchClaimant200JSONResponse{Body: toClaimant(c), Headers: PatchClaimant200ResponseHeaders{ETag: etag(c.Version)}}, nil
}

// mergePatch applies an RFC 7396 patch to a document. The patch has passed the
// contract, which says what may be null.
func mergePatch(present any, patch []byte, into any) error {
	document, err := json.Marshal(present)
	if err != nil {
		return fmt.Errorf("write the document to patch: %w", err)
	}
	merged, err := jsonpatch.MergePatch(document, patch)
	if err != nil {
		return fault.New(fault.Malformed, "malformed_json", "The patch cannot be applied: %s.", "패치를 적용할 수 없습니다: %s.", err.Error())
	}
	if err := json.NewDecoder(bytes.NewReader(merged)).Decode(into); err != nil {
		return fault.New(fault.Malformed, "malformed_json", "The patch cannot be applied: %s.", "패치를 적용할 수 없습니다: %s.", err.Error())
	}
	return nil
}

// claimantID resolves "me".
func claimantID(ctx context.Context, path string) (string, error) {
	if path != "me" {
		return path, nil
	}
	if id := actorOf(ctx).ClaimantID; id != "" {
		return id, nil
	}
	return "", fault.New(fault.NotFound, "claimant_not_found", "This key acts for no claimant, so there is no \"me\".", "이 키는 청구인의 키가 아니어서 \"me\"가 없습니다.")
}

func toClaimant(c claims.Claimant) Claimant {
	out := Claimant{
		ID: c.ID, Kind: ClaimantKind(c.Kind), Name: identity.MaskName(c.Name), Phone: identity.MaskNumber(c.Phone),
		BusinessNumber: optional(identity.MaskNumber(c.BusinessNumber)), DriverID: optional(identity.MaskNumber(c.DriverID)),
		Zone: c.Zone, Currency: c.Currency, AnnualRevenue: c.AnnualRevenue, Outlets: each(c.Outlets, maskedOutlet),
		Version: int(c.Version), CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
	if c.Bank != nil {
		out.BankAccount = ptr(c.Bank.BankCode + " " + identity.MaskNumber(c.Bank.Number))
	}
	return out
}

func toBank(b *claims.BankAccount) *BankAccount {
	if b == nil {
		return nil
	}
	return &BankAccount{BankCode: b.BankCode, Number: b.Number, Holder: b.Holder}
}

func fromBank(b *BankAccount) *claims.BankAccount {
	if b == nil {
		return nil
	}
	return &claims.BankAccount{BankCode: b.BankCode, Number: b.Number, Holder: b.Holder}
}

func toOutlet(o claims.Outlet) Outlet {
	return Outlet{Code: o.Code, Name: o.Name, Sector: o.Sector, Region: o.Region, PlatformID: optional(o.PlatformID)}
}

func maskedOutlet(o claims.Outlet) Outlet {
	o.PlatformID = identity.MaskNumber(o.PlatformID)
	return toOutlet(o)
}

func fromOutlet(o Outlet) claims.Outlet {
	return claims.Outlet{Code: o.Code, Name: o.Name, Sector: o.Sector, Region: o.Region, PlatformID: value(o.PlatformID)}
}

// keepMasked leaves the platform's id of an outlet as it was where it comes back
// as it is shown, masked: a patch replaces the whole list.
func keepMasked(wanted, present []claims.Outlet) []claims.Outlet {
	for i, w := range wanted {
		for _, p := range present {
			if w.Code == p.Code && w.PlatformID != "" && w.PlatformID == identity.MaskNumber(p.PlatformID) {
				wanted[i].PlatformID = p.PlatformID
			}
		}
	}
	return wanted
}

func (s *server) CreateKey(ctx context.Context, r CreateKeyRequestObject) (CreateKeyResponseObject, error) {
	answer := func(k claims.IssuedKey) CreateKeyResponseObject {
		return CreateKey201JSONResponse{
			Body:    IssuedKey{Key: toKey(k.Key), Token: k.Token},
			Headers: CreateKey201ResponseHeaders{Location: ptr("/v1/keys/" + k.Key.ID)},
		}
	}
	in := claims.KeyRequest{
		Role: identity.Role(r.Body.Role), Label: value(r.Body.Label), Person: value(r.Body.Person), ClaimantID: value(r.Body.ClaimantID), ExpiresAt: r.Body.ExpiresAt,
	}
	k, err := s.claims.IssueKey(ctx, actorOf(ctx), in, reply(ctx, func(k claims.IssuedKey, w http.ResponseWriter) error {
		return answer(k).VisitCreateKeyResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(k), nil
}

func (s *server) ListKeys(ctx context.Context, r ListKeysRequestObject) (ListKeysResponseObject, error) {
	page, err := pageOf(r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	found, err := s.claims.Keys(ctx, actorOf(ctx), page)
	if err != nil {
		return nil, err
	}
	found, link := cut(ctx, found, page, func(k identity.Key) string { return k.ID })
	return ListKeys200JSONResponse{Body: KeyList{Keys: each(found, toKey)}, Headers: ListKeys200ResponseHeaders{Link: link}}, nil
}

func (s *server) RevokeKey(ctx context.Context, r RevokeKeyRequestObject) (RevokeKeyResponseObject, error) {
	if err := s.claims.RevokeKey(ctx, actorOf(ctx), r.Key); err != nil {
		return nil, err
	}
	return RevokeKey204Response{}, nil
}

func toKey(k identity.Key) Key {
	return Key{
		ID: k.ID, Role: Role(k.Role), Label: k.Label, Person: k.Person, ClaimantID: optional(k.ClaimantID),
		CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt,
	}
}
