package httpapi

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"redress/internal/claims"
	"redress/internal/fault"
)

const defaultLimit = 50

// cursorShape is what a position looks like: an id, or a scheme's id and version.
// Anything else need not reach the database.
var cursorShape = regexp.MustCompile(`^[0-9a-z_/-]{1,100}$`)

// pageOf reads cursor and limit. One item more than asked for is fetched, to
// know whether there is a next page.
func pageOf(cursor *Cursor, limit *Limit) (claims.Page, error) {
	page := claims.Page{Limit: defaultLimit + 1}
	if limit != nil {
		page.Limit = *limit + 1
	}
	if cursor == nil {
		return page, nil
	}
	after, err := base64.RawURLEncoding.DecodeString(*cursor)
	if err != nil || !cursorShape.Match(after) {
		return claims.Page{}, fault.InvalidFields([]fault.Field{fault.At("query:cursor", "cursor_invalid",
			"is not a cursor of this server; follow the Link header.", "이 서버의 커서가 아닙니다. Link 헤더를 따라가십시오.")})
	}
	page.After = string(after)
	return page, nil
}

// cut drops the item fetched beyond the page and makes the Link to the next
// page out of the last item's position.
func cut[T any](ctx context.Context, items []T, page claims.Page, position func(T) string) ([]T, *string) {
	if len(items) < page.Limit {
		return items, nil
	}
	items = items[:page.Limit-1]
	c, ok := ctx.(*gin.Context)
	if !ok || len(items) == 0 {
		return items, nil
	}
	next := url.URL{Path: c.Request.URL.Path}
	query := c.Request.URL.Query()
	query.Set("cursor", base64.RawURLEncoding.EncodeToString([]byte(position(items[len(items)-1]))))
	next.RawQuery = query.Encode()
	return items, ptr(fmt.Sprintf("<%s>; rel=\"next\"", next.String()))
}

// etag is the strong tag of a version.
func etag(version int64) *string { return ptr(fmt.Sprintf(`"v%d"`, version)) }

// ifMatch reads the version a change is based on. A tag that is not ours, or a
// weak one, can match no version.
func ifMatch(header *IfMatch) (int64, error) {
	if header == nil {
		return 0, fault.New(fault.Precondition, "if_match_required",
			"Send If-Match with the ETag of the version you are changing.", "변경할 버전의 ETag를 If-Match 헤더로 보내십시오.")
	}
	digits, ok := strings.CutPrefix(strings.TrimSuffix(*header, `"`), `"v`)
	version, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || version < 1 {
		return 0, fault.New(fault.Stale, "version_stale",
			"If-Match %s matches no version; send the ETag of the resource.", "If-Match %s에 맞는 버전이 없습니다. 자원의 ETag를 보내십시오.", *header)
	}
	return version, nil
}
