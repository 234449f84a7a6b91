package sandbox

import (
	"time"

	"redress/internal/claims"
	"redress/internal/money"
	"redress/internal/scheme"
)

// trade is how a kind of business sells through one service. The figures are
// invented: plausible, round, nobody's.
type trade struct {
	service string
	ticket  money.Minor // mean of one sale
	hours   [24]int64   // sales an hour by hour of day, in hundredths
	week    [7]int64    // percent, by time.Weekday
	holiday int64       // percent of the weekday on a public holiday
}

// sector is a kind of business.
type sector struct {
	code   scheme.Sector
	kind   claims.ClaimantKind
	label  string // generic Korean name of such a business
	trades []trade
	shifts [][2]int         // opening hour and hours open; one is drawn
	off    [][]time.Weekday // weekly closing days; one set is drawn
	// reliance is the part of the sales that a full outage stops, lowest and
	// highest, in percent: all of them where the history holds the platform's
	// sales alone.
	reliance [2]int64
}

var sectors = map[scheme.Sector]sector{
	"taxi": {
		code: "taxi", kind: claims.Driver, label: "시험 택시", reliance: [2]int64{45, 90},
		shifts: [][2]int{{6, 11}, {9, 11}, {14, 12}, {17, 11}},
		off:    [][]time.Weekday{{time.Sunday}, {time.Monday}, {time.Wednesday}, {}},
		trades: []trade{{
			service: taxi, ticket: 8_600,
			hours:   [24]int64{260, 220, 160, 90, 80, 110, 170, 230, 260, 230, 200, 200, 220, 220, 220, 220, 230, 250, 270, 260, 250, 260, 290, 290},
			week:    [7]int64{90, 95, 95, 97, 100, 118, 112},
			holiday: 80,
		}},
	},
	"salon": {
		code: "salon", kind: claims.Merchant, label: "시험 미용실", reliance: [2]int64{35, 75},
		shifts: [][2]int{{10, 10}, {11, 9}, {10, 9}},
		off:    [][]time.Weekday{{time.Monday}, {time.Tuesday}, {time.Tuesday, time.Wednesday}},
		trades: []trade{{
			service: hair, ticket: 36_000,
			hours:   [24]int64{9: 80, 10: 110, 11: 150, 12: 130, 13: 150, 14: 180, 15: 180, 16: 170, 17: 160, 18: 160, 19: 110},
			week:    [7]int64{135, 75, 80, 85, 90, 105, 150},
			holiday: 45,
		}},
	},
	"bakery": {
		code: "bakery", kind: claims.Merchant, label: "시험 제과점", reliance: [2]int64{100, 100},
		shifts: [][2]int{{8, 13}, {9, 12}},
		off:    [][]time.Weekday{{time.Monday}, {}},
		trades: []trade{{
			service: shop, ticket: 18_500,
			hours:   [24]int64{8: 110, 9: 140, 10: 170, 11: 190, 12: 180, 13: 170, 14: 170, 15: 180, 16: 190, 17: 200, 18: 190, 19: 140, 20: 90},
			week:    [7]int64{125, 80, 85, 88, 92, 105, 135},
			holiday: 120,
		}},
	},
	"cafe": {
		code: "cafe", kind: claims.Merchant, label: "시험 카페", reliance: [2]int64{100, 100},
		shifts: [][2]int{{8, 14}, {9, 13}},
		off:    [][]time.Weekday{{}, {time.Sunday}},
		trades: []trade{
			{
				service: shop, ticket: 9_800,
				hours:   [24]int64{8: 160, 9: 150, 10: 140, 11: 160, 12: 260, 13: 270, 14: 210, 15: 200, 16: 180, 17: 150, 18: 130, 19: 120, 20: 110, 21: 70},
				week:    [7]int64{95, 96, 98, 98, 100, 105, 112},
				holiday: 85,
			},
			{
				service: pay, ticket: 6_400,
				hours:   [24]int64{8: 210, 9: 160, 10: 150, 11: 180, 12: 310, 13: 290, 14: 210, 15: 190, 16: 170, 17: 150, 18: 130, 19: 110, 20: 100, 21: 60},
				week:    [7]int64{90, 100, 102, 102, 104, 106, 96},
				holiday: 75,
			},
		},
	},
	"retail": {
		code: "retail", kind: claims.Merchant, label: "시험 상점", reliance: [2]int64{100, 100},
		shifts: [][2]int{{10, 11}, {11, 10}},
		off:    [][]time.Weekday{{time.Sunday}, {}},
		trades: []trade{{
			service: shop, ticket: 27_000,
			hours:   [24]int64{10: 60, 11: 80, 12: 90, 13: 100, 14: 110, 15: 120, 16: 120, 17: 120, 18: 120, 19: 110, 20: 80},
			week:    [7]int64{115, 85, 86, 88, 92, 108, 130},
			holiday: 70,
		}},
	},
	"online_retail": {
		code: "online_retail", kind: claims.Merchant, label: "시험 온라인몰", reliance: [2]int64{100, 100},
		shifts: [][2]int{{0, 24}},
		off:    [][]time.Weekday{{}},
		trades: []trade{{
			service: shop, ticket: 31_000,
			hours:   [24]int64{70, 40, 20, 10, 10, 10, 20, 40, 60, 80, 100, 110, 110, 100, 100, 100, 100, 90, 90, 100, 120, 140, 140, 110},
			week:    [7]int64{105, 112, 104, 102, 100, 90, 88},
			holiday: 85,
		}},
	},
	"convenience": {
		code: "convenience", kind: claims.Merchant, label: "시험 편의점", reliance: [2]int64{100, 100},
		shifts: [][2]int{{0, 24}, {6, 18}},
		off:    [][]time.Weekday{{}},
		trades: []trade{{
			service: pay, ticket: 6_900,
			hours:   [24]int64{180, 120, 80, 60, 60, 90, 180, 320, 360, 280, 260, 310, 420, 380, 320, 320, 340, 400, 460, 440, 410, 390, 350, 270},
			week:    [7]int64{94, 98, 98, 99, 100, 107, 104},
			holiday: 90,
		}},
	},
}

// regions are ISO 3166-2 codes, the capital area as often as it has people.
var regions = []string{
	"KR-11", "KR-11", "KR-11", "KR-41", "KR-41", "KR-41", "KR-41", "KR-28", "KR-26", "KR-26", "KR-27", "KR-29", "KR-30", "KR-31",
	"KR-42", "KR-43", "KR-44", "KR-45", "KR-46", "KR-47", "KR-48", "KR-48", "KR-49", "KR-50",
}

// holidays are the public holidays, substitute days included, in the weeks that
// the histories cover.
var holidays = []string{
	"2022-08-15", "2022-09-09", "2022-09-10", "2022-09-11", "2022-09-12", "2022-10-03", "2022-10-10",
}
