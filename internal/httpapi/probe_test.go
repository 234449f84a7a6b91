package httpapi_test
import "testing"
func TestProbe(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		a := s.send(t, request{as:"newcomer", line:"POST /v1/claims", body: instead(validClaim, `"statement"`, `"foo":1,"bar":2,"statement"`)})
		t.Log(a.status, string(a.body))
		a = s.send(t, request{as:"newcomer", line:"POST /v1/claims", body: instead(validClaim, `25000`, `-1`)})
		t.Log(a.status, string(a.body))
		a = s.send(t, request{as:"newcomer", line:"POST /v1/claims/validate", body: validClaim})
		t.Log(a.status, len(a.body))
	})
}
