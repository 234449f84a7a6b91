package fsck

import "fmt"

// enter puts the stages of a claim together from the states that its events came to.
func (t *told) enter(e Event) {
	if n := len(t.stages); n > 0 {
		if t.state == t.stages[n-1].State {
			return
		}
		t.stages[n-1].Left = &e.At
	}
	t.stages = append(t.stages, Stage{N: e.N, State: t.state, Entered: e.At})
}

// stages holds how long the claim stayed in which state, which statistics tell.
// Claims from before there were stages have one from where they stood then.
func (c *check) stages(claim Claim, t told) {
	write := func(s Stage) string {
		return fmt.Sprintf("%s, %s to %s", s.State, stamp(s.Entered), instant(s.Left, nil))
	}
	said := map[int64]string{}
	for _, s := range t.stages {
		said[s.N] = write(s)
	}
	for _, s := range claim.Stages {
		if !t.all && said[s.N] == "" {
			continue
		}
		if row := write(s); said[s.N] != row || s.IncidentID != claim.IncidentID {
			c.find(fmt.Sprintf("claim:%s/stage:%d", claim.ID, s.N), "stage_differs", "The stage is %s; by the events it is %q.",
				"단계가 %s인데 이벤트에 따르면 %q입니다.", row, said[s.N])
		}
		delete(said, s.N)
	}
	if !t.all {
		return
	}
	for n := range said {
		c.find(fmt.Sprintf("claim:%s/stage:%d", claim.ID, n), "stage_missing", "The stage that the events tell of is missing.", "이벤트에 있는 단계가 없습니다.")
	}
}
