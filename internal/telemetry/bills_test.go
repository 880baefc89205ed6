package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"settled/internal/pcsim"
	"settled/internal/vault"
)

// ourBills knows bills of merchants below 1000 and of 100001 to 100900, as long as their counters are below a million.
func ourBills(t *testing.T) {
	vault.KnowBills(func(bill int64) bool {
		merchant, counter := bill/1_000_000_000, bill%1_000_000_000
		return counter < 1_000_000 && (merchant > 500_000 && merchant < 501_000 || merchant > 5_100_000 && merchant <= 5_100_900)
	})
	t.Cleanup(func() { vault.KnowBills(nil) })
}

func randomBill(r *rand.Rand) int64 {
	merchant := 5_100_001 + r.Int64N(900)
	if r.IntN(2) == 0 {
		merchant = 500_001 + r.Int64N(999)
	}
	return merchant*1_000_000_000 + 1 + r.Int64N(999_999)
}

// Whoever looks for an order in the logs finds it: no bill number is masked where bill numbers are logged, in none of the forms that they are
// logged in.
func TestBillNumbersStayReadable(t *testing.T) {
	ourBills(t)
	r := rand.New(rand.NewPCG(1, 2))
	var out bytes.Buffer
	log := NewLogger(&out, slog.LevelInfo)
	for range 10_000 {
		bill := randomBill(r)
		id := fmt.Sprintf("%d.%d", bill, 1+r.IntN(999))
		out.Reset()
		log.Info("m", "order", bill, "billnumber", id, "payment", id, "notification", id+"/2", "id", id, "examples", []string{"order " + id + " is 7 short", id},
			"exchange", r.Int64N(1_000_000_000_000), "record", r.Int64N(1_000_000_000_000), "transaction", 2, "window", r.Int64N(1_000_000),
			"file", fmt.Sprintf("ACQ_PC-A_ipm_%04d%02d%02d_%06d_%dof9_b2.ipm", 2026+r.IntN(20), 1+r.IntN(12), 1+r.IntN(28), r.IntN(999_999), 1+r.IntN(9)))
		if line := out.String(); strings.Contains(line, "*") || strings.Count(line, fmt.Sprint(bill)) != 7 {
			t.Fatal(line)
		}
	}
}

// A card number reaches no log, whatever the key: all test cards under all keys, as numbers, texts, in groups, in lists, objects, errors and JSON.
func TestCardsAreMaskedUnderEveryKey(t *testing.T) {
	ourBills(t)
	cards := []string{"5555555555554444", "5105105105105100", "5500000000000004", "4222222222222", "378282246310005", "30569309025904", "6304000000000000000",
		"5100001999999994", "2200000000000004", "9112000000000006"}
	for _, c := range pcsim.Cards() {
		cards = append(cards, c.PAN)
	}
	keys := []string{"anything", "msg", "order_id"}
	for key := range Keys {
		keys = append(keys, key)
	}
	for _, card := range cards {
		var number int64
		if _, err := fmt.Sscan(card, &number); err != nil {
			t.Fatal(err)
		}
		grouped := card[:4] + " " + card[4:8] + " " + card[8:12] + " " + card[12:]
		for _, key := range keys {
			var out bytes.Buffer
			log := NewLogger(&out, slog.LevelInfo)
			values := []any{card, number, grouped}
			if key == "order" || key == "anything" {
				values = append(values, oddly(card, grouped, number)...)
			}
			for _, value := range values {
				log.Info("about "+card, key, value)
			}
			if line := strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(out.String()); strings.Contains(line, card) {
				t.Errorf("under %s:\n%s", key, out.String())
			}
		}
	}
}

// oddly is a card number in every other kind of value.
func oddly(card, grouped string, number int64) []any {
	return []any{strings.ReplaceAll(grouped, " ", "-"), "\u00a0" + strings.ReplaceAll(grouped, " ", "\u00a0"), []string{card}, []any{map[string]any{"x": number}},
		map[string]any{card: 1}, errors.New("bad " + card + "!"), `{"n":"` + card + `"}`, "." + card + ".1"}
}

// What is no JSON, and secrets deep in objects, are not shown either.
func TestOddLinesAreMasked(t *testing.T) {
	for line, want := range map[string]string{
		`no JSON 4111111111111111, cvv 123`:                `no JSON 411111******1111, cvv ***`,
		`{"a":"4111111111111111`:                           `{"a":"411111******1111`,
		`"4111111111111111"`:                               `"411111******1111"`,
		`{"ccv":{"deep":["917",1]},"b":1}`:                 `{"ccv":{"deep":["***","***"]},"b":1}`,
		`{"track2":["4111111111111111=2812201000"]}`:       `{"track2":["***"]}`,
		`{"a":[[{"b":"x"}],4111111111111111],"c":[1,"2"]}`: `{"a":[[{"b":"x"}],"411111******1111"],"c":[1,"2"]}`,
		`{"time":"2026-11-30T05:56:12.123456781Z","a":1}`:  `{"time":"2026-11-30T05:56:12.123456781Z","a":1}`,
		``: ``,
	} {
		if got := string(Redact([]byte(line))); got != want {
			t.Errorf("%s becomes %s, want %s", line, got, want)
		}
	}
}
