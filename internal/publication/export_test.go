package publication

// Protection names one part of disclosure control.
type Protection = protection

// Protections are all parts of disclosure control.
var Protections = []Protection{minimumCount, dominance, pPercent, complementary, linked, acrossReleases, rounding}

// PublishWithout publishes with one part of disclosure control left out.
func PublishWithout(off Protection, s Snapshot, rule Rule, earlier []Earlier) (Release, error) {
	return publish(s, rule, earlier, nil, off)
}
