package claims

// lossCompensated is the code by which the store refuses to compensate a loss a
// second time.
const lossCompensated = "loss_already_compensated"

// covers are the intervals that an award for the claim compensates: the windows
// of each service that it claims.
func (c Claim) covers(incident Incident) []Cover {
	var covers []Cover
	for _, line := range c.Lines {
		service, _ := incident.Service(line.Service)
		for _, w := range service.Windows {
			covers = append(covers, Cover{
				ClaimID: c.ID, IncidentID: c.IncidentID, Service: line.Service, Unit: c.Unit, Start: w.Start, End: w.End,
			})
		}
	}
	return covers
}
