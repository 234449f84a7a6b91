package httpapi_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Personal data is sealed before it reaches the database, and neither it nor a
// key's secret is found in any table, file or line of the log.
func TestNothingPersonalIsKeptOrLoggedInClear(t *testing.T) {
	personal := []string{
		"나지후", "나지후의 차", "010-5557-3141", "01055573141", "DRIVER-7XQ9Z", "907-12-345678", "90712345678", "Najihu Account Holder",
		"airport with a well-known singer", "I was in hospital that day", "changed my mind because of my illness", "passenger 한소리", "한소리 손님",
		"pay my sister back", "Which clinic treated you", "the clinic at the corner", "진단서 나지후.txt", "diagnosis of a rare illness", "your sister drove",
		"nobody believed my illness", "count the clinic days", "a look for the tax office",
	}
	inTowns(t, func(t *testing.T, s *server) {
		s.register(t, "person", `{
			"kind": "driver", "name": "나지후", "phone": "010-5557-3141", "driver_id": "DRIVER-7XQ9Z",
			"bank_account": {"bank_code": "088", "number": "907-12-345678", "holder": "Najihu Account Holder"},
			"outlets": [{"code": "main", "name": "나지후의 차", "sector": "taxi", "region": "KR-11"}]
		}`)
		rows := strings.Replace(hours(56*24), "일시,매출,건수", "일시,매출,건수,손님", 1)
		s.must(t, request{as: "person", line: "PUT /v1/claimants/me/revenue/taxi", header: csvBody, body: strings.ReplaceAll(rows, "\n2", ",한소리 손님\n2")})
		s.must(t, request{as: "person", line: "POST /v1/claims/validate", body: instead(validClaim, "No calls came.", "I was in hospital that day")})
		filed := instead(instead(validClaim, "No calls came.", "I was in hospital that day"), "to the airport", "airport with a well-known singer")
		filed = instead(filed, `"kind": "advertising", "amount": 3000`, `"kind": "other", "amount": 3000, "note": "pay my sister back"`)
		s.make(t, "claim", request{as: "person", line: "POST /v1/claims", body: filed})
		s.must(t, request{as: "person", line: "PATCH /v1/claims/{claim}", header: ifMatch(`"v1"`), body: `{"statement": "passenger 한소리"}`})
		s.must(t, request{as: "person", line: "POST /v1/claims/{claim}/submit", header: ifMatch(`"v2"`)})
		s.must(t, request{as: "person", line: "POST /v1/claims/{claim}/withdraw", header: ifMatch(`"v3"`), body: `{"reason": "changed my mind because of my illness"}`})
		s.must(t, request{as: "person", line: "PATCH /v1/claimants/me", header: ifMatch(`"v1"`), body: `{"name": "나지후"}`})
		s.make(t, "again", request{as: "person", line: "POST /v1/claims", body: instead(validClaim, `"currency"`, `"submit": true, "currency"`)})
		s.deskWrites(t)
		// Refusals quote what was sent, to the sender alone.
		s.send(t, request{as: "person", line: "PUT /v1/claimants/me/revenue/taxi", header: csvBody, body: "일시,매출\n한소리 손님,DRIVER-7XQ9Z\n"})
		s.send(t, request{as: "person", line: "GET /v1/claimants/me?phone=010-5557-3141"})

		places := map[string][]byte{"tables": s.data.dump(t), "log": []byte(s.log.String())}
		if s.engine == "sqlite" {
			files, err := filepath.Glob(filepath.Join(s.data.dir, "*"))
			if err != nil || len(files) < 2 {
				t.Fatalf("files %v, %v; want the database and its log", files, err)
			}
			for _, name := range files {
				if places[filepath.Base(name)], err = os.ReadFile(name); err != nil {
					t.Fatal(err)
				}
			}
		}
		secrets := personal
		for _, token := range s.tokens {
			if i := strings.LastIndex(token, "_"); i > 0 {
				secrets = append(secrets, token[i+1:])
			}
		}
		for name, place := range places {
			if len(place) < 1000 {
				t.Errorf("%s holds %d bytes: looking at the wrong place", name, len(place))
			}
			for _, secret := range secrets {
				ascii := strings.Trim(strconv.QuoteToASCII(secret), `"`) // as some encoders write it
				if bytes.Contains(place, []byte(secret)) || bytes.Contains(place, []byte(ascii)) {
					t.Errorf("%s holds %q in clear", name, secret)
				}
			}
		}
		// The search finds what is kept in clear on purpose.
		if !bytes.Contains(places["tables"], []byte("the operator")) || !bytes.Contains(places["log"], []byte("/v1/claimants/:claimant")) {
			t.Error("the search itself does not work")
		}
	})
}

// deskWrites has staff and claimant write to each other about a claim.
func (s *server) deskWrites(t *testing.T) {
	t.Helper()
	s.changePolicy(t, `"senior_from_score": 25`, `"senior_from_score": 1000`) // anybody may take it, whatever the checks say
	s.does(t, "reviewer", "assign", "again", "")
	s.does(t, "reviewer", "information-requests", "again", `{"message": "Which clinic treated you?", "items": [{"code": "when", "what": "When was it?", "why": "Which clinic treated you"}]}`)
	s.make(t, "diagnosis", request{as: "person", line: evidenceLine("again", "other", "진단서 나지후.txt"), header: plainText, body: "diagnosis of a rare illness"})
	s.does(t, "person", "information-requests/1/answer", "again", `{"items": [{"code": "when", "text": "the clinic at the corner", "files": ["{diagnosis}"]}]}`)
	s.does(t, "reviewer", "decisions", "again", instead(partly, "Rides were hailed in the street.", "your sister drove"))
	s.does(t, "person", "appeal", "again", `{"grounds": "nobody believed my illness"}`)
	s.does(t, "senior", "assign", "again", "")
	s.does(t, "senior", "decisions", "again", instead(instead(partly, `"reason"`, `"error_code": "none", "reason"`), "Rides were hailed in the street.", "count the clinic days"))
	s.send(t, request{as: "payer", line: "GET /v1/claims/{again}/decisions/2/letter?purpose=a+look+for+the+tax+office"})
}
