package claims_test
import ("testing";"redress/internal/identity")
func TestProbe(t *testing.T) {
	s := newTown(t, "sqlite")
	a := s.shop(t, 1)
	s.sells(t, a.actor, a, "main", "shop", honest(1, 12))
	c := s.submits(t, a.actor, s.claims(a))
	l, err := s.Checks(t.Context(), s.as(identity.Reviewer), c.ID)
	t.Log(c.State, c.Outcome, *c.Estimated, c.Score, err)
	for _, r := range l.Rows { t.Log(r.Code, r.Service, r.Result, r.Points, r.Detail.EN) }
	d := decode(t, c.Estimate)
	t.Logf("%+v %+v", d.Lines[0].Baseline.Total, d.Lines[0].Baseline.Basis)
}
