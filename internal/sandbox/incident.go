package sandbox

import (
	"time"

	"redress/internal/claims"
	"redress/internal/lang"
	"redress/internal/revenue"
)

// seoul is the zone of everything in the sandbox; Korea has no daylight saving.
var seoul = time.FixedZone("KST", 9*60*60)

const zoneName = "Asia/Seoul"

// october is an instant of October 2022 in Seoul.
func october(day, hour, minute int) time.Time {
	return time.Date(2022, time.October, day, hour, minute, 0, 0, seoul)
}

// Now is where the sandbox's clock stands when everything in it has happened.
var Now = october(25, 10, 0)

// The instants of the sandbox.
var (
	outageStarts = october(15, 15, 30)
	outageEnds   = october(20, 23, 0)

	published     = october(18, 15, 0) // schemes and incident
	filingOpens   = october(19, 0, 0)
	firstClosing  = october(24, 18, 0) // as first announced; what came after it is late
	extended      = october(25, 9, 0)
	sealedAt      = october(25, 9, 30)
	releasedAt    = october(25, 9, 45)
	secondClosing = time.Date(2022, time.November, 7, 0, 0, 0, 0, seoul)
	lateUntil     = time.Date(2022, time.December, 1, 0, 0, 0, 0, seoul)
)

// outageDay is the midnight before the outage.
var outageDay = local(outageStarts).DayStart()

// The codes of the services.
const (
	taxi = "taxi"
	hair = "hair"
	shop = "shop"
	pay  = "pay"
)

// illustrative marks the shares, which nobody published.
const illustrative = "the share is illustrative"

// incident is the outage of 15 October 2022. Its times are as published, each
// with who said so; where they conflict, all stand. The shares that were down
// were never published, and the first closing of the filing period is the
// sandbox's own, so that there are late claims (the real intake ran from 19
// October to 6 November, extended once).
func incident() claims.Incident {
	late := lateUntil.UTC()
	return claims.Incident{
		Name:     lang.T("Outage of 15 October 2022 (sandbox)", "2022년 10월 15일 장애(시연)"),
		Platform: "Kakao",
		Zone:     zoneName, Currency: currency,
		StartsAt: outageStarts.UTC(), EndsAt: outageEnds.UTC(),
		Timestamps: timestamps(),
		Filing:     claims.Filing{OpensAt: filingOpens.UTC(), ClosesAt: firstClosing.UTC(), LateUntil: &late},
		Services: []claims.PlatformService{
			{Code: taxi, Kind: "ride", Name: lang.T("Taxi calls", "택시 호출"), Windows: []claims.ImpairmentWindow{
				window(outageStarts, october(16, 14, 30), 10000, "no calls"),
				window(october(16, 14, 30), october(17, 9, 0), 2500, "calls are back, some functions are not; "+illustrative),
			}},
			{Code: hair, Kind: "booking", Name: lang.T("Salon bookings", "미용실 예약"), Windows: []claims.ImpairmentWindow{
				window(outageStarts, october(17, 9, 0), 10000, "no new bookings, no reminders"),
				window(october(17, 9, 0), october(18, 9, 0), 7500, "the booking channel is partly back; "+illustrative),
				window(october(18, 9, 0), outageEnds, 2500, "bulk messages are still out; "+illustrative),
			}},
			{Code: shop, Kind: "order", Name: lang.T("Shop orders", "쇼핑 주문"), Windows: []claims.ImpairmentWindow{
				window(outageStarts, october(17, 9, 0), 10000, "no orders"),
				window(october(17, 9, 0), october(18, 9, 0), 2000, "search is partly out; "+illustrative),
			}},
			{Code: pay, Kind: "payment", Name: lang.T("Payments", "간편결제"), Windows: []claims.ImpairmentWindow{
				window(outageStarts, october(16, 8, 0), 10000, "no payments"),
				window(october(16, 8, 0), october(16, 14, 30), 2000, "payments are back, other functions are not; "+illustrative),
			}},
		},
		Scheme: &claims.SchemeRef{ID: schemeID, Version: schemeVersion},
	}
}

func window(start, end time.Time, downBasisPoints int, note string) claims.ImpairmentWindow {
	return claims.ImpairmentWindow{Start: start.UTC(), End: end.UTC(), DownBasisPoints: downBasisPoints, Note: note}
}

func timestamps() []claims.Timestamp {
	stamp := func(kind string, at time.Time, source, note string) claims.Timestamp {
		return claims.Timestamp{Kind: kind, At: at.UTC(), Source: source, Note: note}
	}
	return []claims.Timestamp{
		stamp("started", october(15, 15, 19), "Ministry of Science and ICT, in Financial News", "fire in the data centre"),
		stamp("started", october(15, 15, 22), "Ministry of Science and ICT, in Financial News", "power to the servers cut"),
		stamp("started", october(15, 15, 33), "fire service, in Maeil Shinmun", "fire reported; later than the ministry says"),
		stamp("started", october(15, 15, 30), "Kakao, in Financial News", "services affected from about then"),
		stamp("partly_restored", october(16, 1, 31), "Kookmin Ilbo; ZDNet Korea", "text messages; one paper prints 13:31"),
		stamp("partly_restored", october(16, 8, 0), "ChosunBiz", "payments and transfers usable"),
		stamp("partly_restored", october(16, 14, 30), "News1", "taxi drivers' app and main functions"),
		stamp("partly_restored", october(17, 9, 0), "notice of Kakao", "taxi, gifts, shopping and orders normal; booking channel still out"),
		stamp("partly_restored", october(18, 9, 0), "Digital Daily", "payment receipts, shop search and bulk messages still out"),
		stamp("restored", outageEnds, "Kookmin Ilbo; ZDNet Korea", "127 hours and 30 minutes in all; not every service was down so long"),
	}
}

// local is an instant on the sandbox's wall clock.
func local(t time.Time) revenue.Local { return revenue.LocalOf(t, seoul) }

// impaired is a window of a service on the sandbox's wall clock.
type impaired struct {
	revenue.Span
	downBasisPoints int64
}

// impairments are the windows of a service of the incident.
func impairments(in claims.Incident, code string) []impaired {
	service, _ := in.Service(code)
	windows := make([]impaired, len(service.Windows))
	for i, w := range service.Windows {
		windows[i] = impaired{revenue.Span{Start: local(w.Start), End: local(w.End)}, int64(w.DownBasisPoints)}
	}
	return windows
}
