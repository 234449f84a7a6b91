package sandbox

import (
	"math/rand/v2"
	"time"

	"redress/internal/money"
	"redress/internal/revenue"
)

// File is a history as a merchant or driver has it on their own machine.
type File struct {
	Name string
	Data []byte
}

// Stories are the files of the four documented stories. They are the same in
// every sandbox, whatever its seed.
func Stories() ([]File, error) {
	in := incident()
	salon := member{
		sector: sectors["salon"], at: Now, shift: [2]int{10, 10}, off: []time.Weekday{time.Monday},
		level: 160, reliance: 56, stream: 4,
	}
	bakery := member{
		sector: sectors["bakery"], at: Now, shift: [2]int{8, 13}, level: 160, reliance: 100, stream: 3,
	}
	store := member{
		sector: sectors["convenience"], at: Now, shift: [2]int{0, 24}, level: 170, reliance: 100, stream: 3,
	}
	files := []File{{Name: "taxi.csv"}, {Name: "salon.csv"}, {Name: "bakery.xlsx"}, {Name: "store.csv"}}
	var err error
	if files[0].Data, err = rides(); err != nil {
		return nil, err
	}
	for i, story := range []struct {
		member
		as export
	}{{salon, cp949CSV}, {bakery, workbook}, {store, englishCSV}} {
		sold := story.sell(0, in)
		if files[i+1].Data, err = story.as(sold.within(story.exported())); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// rides is the taxi driver's list of fares, one a row, street hails among them:
// about 20,000 won an hour, from ten to half past seven, never on Sundays and
// public holidays. It ends where the outage begins.
func rides() ([]byte, error) {
	r := rand.New(rand.NewPCG(1, historyStream))
	rows := [][]string{{"운행일시", "운임"}}
	for day := outageDay - 12*revenue.Week; day <= outageDay; day += revenue.Day {
		if day.Weekday() == time.Sunday || isHoliday(day) {
			continue
		}
		ends := min(day+19*revenue.Hour+30, local(outageStarts))
		// A good day or a slow one, then a ride every twenty minutes.
		fare := 6_300 + money.Minor(r.IntN(800))
		for at := day + 10*revenue.Hour + revenue.Local(r.IntN(10)); at < ends; at += 15 + revenue.Local(r.IntN(11)) {
			paid := (fare*3/4 + money.Minor(r.Int64N(int64(fare/2)))) / 100 * 100
			rows = append(rows, []string{clock(at), money.KRW.Text(paid).EN})
		}
	}
	return writeCSV(',', rows)
}
