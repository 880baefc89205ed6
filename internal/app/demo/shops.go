package demo

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"settled/internal/config"
	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/settle/order"

	"golang.org/x/crypto/argon2"
)

// zone is where the demo's centers and merchants live.
const zone = "Europe/Minsk"

// firstDay is the Monday that the demo begins with.
var firstDay = struct {
	year  int
	month time.Month
	day   int
}{2026, time.March, 2}

// cast is a processing center of the demo. They differ only in this data.
type cast struct {
	id      int
	name    string
	member  string
	caps    order.Capabilities
	costs   config.CostsFile
	charset string
	blocked bool
	cutoff  string
	until   string
	removes bool // takes our files away once it has read them
	secured bool // speaks TLS, and every message has its code
	clumsy  bool // refuses its first file for a fault of its own, gives the number back, and tells every verdict twice; we clear its replies away
}

var casts = []cast{
	{id: 1, name: "PC-A", member: "00000123456", charset: "ascii", blocked: true, cutoff: "23:00", until: "23:45", removes: true, secured: true,
		costs: config.CostsFile{InterchangeBPS: 120, SchemeBPS: 10, Processing: 5},
		caps: order.Capabilities{FinancialRecord: true, TwoStage: true, PartialConfirm: true, MultiConfirm: true, ReversalPartial: true,
			Refund: order.RefundByFile, Inquiry: true, Log: order.LogByLink}},
	{id: 2, name: "PC-B", member: "00000654321", charset: "cp500", cutoff: "23:00", until: "23:30",
		costs: config.CostsFile{InterchangeBPS: 110, SchemeBPS: 8, Processing: 4},
		caps:  order.Capabilities{FinancialRecord: true, TwoStage: true, Refund: order.RefundByFile, Log: order.LogByFile}},
	{id: 3, name: "PC-C", member: "00000777777", costs: config.CostsFile{Processing: 12},
		caps: order.Capabilities{Refund: order.RefundByOnline, Inquiry: true, Log: order.LogByLink}},
	{id: 4, name: "PC-D", member: "00000888888", charset: "latin1", cutoff: "23:00", until: "23:45", clumsy: true,
		costs: config.CostsFile{InterchangeBPS: 95, SchemeBPS: 7, Processing: 6},
		caps: order.Capabilities{FinancialRecord: true, TwoStage: true, PartialConfirm: true, MultiConfirm: true, ReversalPartial: true,
			Refund: order.RefundByFile, Inquiry: true}},
}

func (c cast) model() pcsim.Model {
	if c.caps.FinancialRecord {
		return pcsim.DualMessage
	}
	return pcsim.SingleMessage
}

// Shop is a merchant of the demo, with the credentials that it uses over HTTP.
type Shop struct {
	ID         int32
	Name       string
	City       string
	MCC        string
	Segment    Segment
	Login      string
	Password   string
	SecretWord string
	SigningKey string         // of notifications
	Currency   money.Currency // its own
	Page       config.PageFile
	Notified   bool // its server is told the results of operations
	Undivided  bool // signs without delimiters, by an old contract
	Old        bool // its pages are in windows-1251
	Moves      bool // its contract for cards goes from its center to PC-A after the first day
	Ends       bool // its contracts end with the first day
	home       int  // index of the center that takes its own currency
}

// recurs tells that buyers can subscribe.
func (s *Shop) recurs() bool { return s.Page.Recurring }

var cities = []struct{ name, postal string }{{"Minsk", "220030"}, {"Brest", "224005"}, {"Gomel", "246050"}, {"Grodno", "230023"}, {"Vitebsk", "210015"}}

// shops are the demo's merchants, the busiest first. Those that sell in rubles have no contract for other currencies: they
// convert by the rates of the configuration. The second is the one that people can click through.
func shops() []*Shop {
	byn, rub := money.BYN, money.RUB
	rows := []struct {
		name, mcc string
		segment   Segment
		home      int
		currency  money.Currency
		features  string // 1 One Click, R recurring payments, 3 3-D Secure, N notifications, D no delimiters, W windows-1251,
		// M a contract that moves, E contracts that end
	}{
		{"North Star Market", "5411", Retail, 0, byn, "1N"}, {"Nevsky Goods", "5311", Retail, 0, rub, "1R3N"},
		{coffee, "5814", Retail, 3, rub, "1N"}, {"Vilnia Books", "5942", Retail, 0, byn, "1"}, {"Blue River Travel", "4722", Travel, 1, byn, ""},
		{"Pixel Games", "5816", Digital, 0, byn, "13"}, {"Opera Tickets", "7922", Tickets, 0, byn, "N"},
		{"Zorka Fashion", "5651", Retail, 2, byn, "1"}, {"Krinitsa Dairy", "5451", Retail, 1, byn, ""},
		{"Dudka Music Stream", "5815", Subscription, 2, byn, "RN"}, {"Baikal Outdoor", "5941", Retail, 1, rub, "3"},
		{"Belavezha Tours", "4722", Travel, 0, byn, ""}, {"Green Pharmacy", "5912", Retail, 0, byn, "3"},
		{"Cinema Pioneer", "7832", Tickets, 1, byn, "N"}, {"Cloud Notes", "5817", Digital, 0, byn, "R"},
		{"Onega Books", "5942", Retail, 3, rub, "NWM"}, {"Ladoga Tools", "5251", Retail, 3, rub, "NDE"},
	}
	var out []*Shop
	for i, r := range rows {
		has := func(feature string) bool { return strings.Contains(r.features, feature) }
		out = append(out, &Shop{ID: int32(730001 + i), Name: r.name, City: cities[i%len(cities)].name, MCC: r.mcc, Segment: r.segment, home: r.home,
			Login: fmt.Sprintf("shop_%06d", 730001+i), Password: word("password", i), SecretWord: word("secret", i), SigningKey: signingKey(i), Currency: r.currency,
			Notified: has("N"), Undivided: has("D"), Old: has("W"), Moves: has("M"), Ends: has("E"), Page: config.PageFile{OneClick: has("1"), Recurring: has("R"), ThreeDS: has("3")}})
	}
	return out
}

// coffee is a merchant whose name no clearing file can hold.
const coffee = "Кофейня №1"

// windowShop is the shop that people can click through.
const windowShop = 1

// word makes a credential of twelve characters that is the same in every run: the demo is not a secret.
func word(kind string, i int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "settled demo %s %d", kind, i))
	return hex.EncodeToString(sum[:])[:12]
}

// signingKey is a key that signs a shop's notifications, always the same.
func signingKey(i int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "settled demo signing key %d", i))
	return "whsec_" + base64.StdEncoding.EncodeToString(sum[:])
}

// signingFile is the name of the file that holds the key, beside the configuration.
func (s *Shop) signingFile() string { return s.Login + ".whsec" }

// passwordHash is argon2id at its lowest cost: the demo's virtual days are longer than the gateway remembers a password,
// so it computes one for nearly every call.
func (s *Shop) passwordHash() string {
	salt := []byte("settled-demo-" + s.Login[5:8])
	sum := argon2.IDKey([]byte(s.Password), salt, 1, 8, 1, 32)
	return fmt.Sprintf("$argon2id$v=%d$m=8,t=1,p=1$%s$%s", argon2.Version, encode(salt), encode(sum))
}

func encode(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

// abroad are the currencies besides BYN, with their shares of all orders and the center that takes them.
var abroad = []struct {
	currency money.Currency
	share    float64
	center   func(*Shop) int
}{
	{money.USD, 0.04, fileCenter},
	{money.EUR, 0.03, fileCenter},
	{money.RUB, 0.01, func(*Shop) int { return 2 }},
}

// fileCenter takes foreign currencies: the shop's own center when it clears by file, PC-A otherwise.
func fileCenter(s *Shop) int {
	if casts[s.home].caps.FinancialRecord {
		return s.home
	}
	return 0
}

func (s *Shop) pickCurrency(r *rand.Rand) money.Currency {
	x := r.Float64()
	for _, a := range abroad {
		if x -= a.share; x < 0 {
			return a.currency
		}
	}
	return s.Currency
}

// converts tells that an amount in the currency is paid in the shop's own.
func (s *Shop) converts(c money.Currency) bool { return s.Currency != money.BYN && c != s.Currency }

// castOf is the index of the center that takes cards in a currency of the shop.
func (s *Shop) castOf(c money.Currency) int {
	if s.Currency != money.BYN {
		return s.home
	}
	for _, a := range abroad {
		if a.currency == c {
			return a.center(s)
		}
	}
	return s.home
}

// center returns what the center that takes a currency of the shop can do.
func (s *Shop) center(c money.Currency) order.Capabilities { return casts[s.castOf(c)].caps }

// routes are the shop's contracts: its own currency first, then one per further center.
func (s *Shop) routes() []config.RouteFile {
	byCenter := map[int][]string{s.home: {s.Currency.String()}}
	sequence := []int{s.home}
	for _, a := range abroad {
		if s.Currency != money.BYN {
			break
		}
		center := a.center(s)
		if byCenter[center] == nil {
			sequence = append(sequence, center)
		}
		byCenter[center] = append(byCenter[center], a.currency.String())
	}
	var out []config.RouteFile
	for _, center := range sequence {
		out = append(out, s.route(center, byCenter[center]))
	}
	if s.Moves {
		out[0].Ends = secondDay
		out = append(out, s.route(0, byCenter[s.home]))
	}
	out = append(out, config.RouteFile{Center: instantName, Currencies: []string{s.Currency.String()}, MDRBPS: 70, ReturnMDR: s.ID%2 == 0,
		Terminal: fmt.Sprintf("T%06d9", s.ID), Acceptor: fmt.Sprintf("DEMO%06d00009", s.ID)})
	for i := range out {
		if s.Ends {
			out[i].Ends = secondDay
		}
	}
	return out
}

// secondDay is when contracts of the first day end.
const secondDay = "2026-03-03"

// open tells that the shop sells at an instant: one whose contracts end stops an hour before, so that nobody is about to pay.
func (s *Shop) open(at time.Time) bool { return !s.Ends || at.Day() == firstDay.day && at.Hour() < 23 }

// route is the shop's contract with a center.
func (s *Shop) route(center int, currencies []string) config.RouteFile {
	return config.RouteFile{Center: casts[center].name, Currencies: currencies, MDRBPS: 180 + int64(s.ID%7)*10,
		ReturnMDR: s.ID%2 == 0, Terminal: fmt.Sprintf("T%06d%d", s.ID, center+1), Acceptor: fmt.Sprintf("DEMO%06d0000%d", s.ID, center+1)}
}

// merchants are the shops as the configuration has them. fronts are their addresses.
func merchants(all []*Shop, fronts map[*Shop]*pcsim.Shop) []config.MerchantFile {
	var out []config.MerchantFile
	for i, s := range all {
		m := config.MerchantFile{ID: s.ID, Name: s.Name, Street: fmt.Sprintf("Nemiga %d", i+1), City: s.City,
			Postal: cities[i%len(cities)].postal, Region: "BY", Country: "BLR", MCC: s.MCC, Currency: s.Currency.String(), Login: s.Login,
			PasswordHash: s.passwordHash(), SecretWord: s.SecretWord, TestMode: true, Page: s.Page, Routes: s.routes(),
			Proofs: config.ProofsFile{Checkvalue: true, NoDelimiters: s.Undivided}}
		if !s.Undivided { // without delimiters nobody can say where an optional value begins
			m.Proofs.Covers = []string{"CustomerNumber"}
		}
		if s.Name == coffee {
			m.ClearingName = "Kofeinya No. 1"
		}
		if s.Old {
			m.Charset = "windows-1251"
		}
		if s.Notified {
			m.Notifications = config.NotificationsFile{URL: fronts[s].NoticeURL(), AllowPrivate: true, SigningKeyFile: s.signingFile()}
		}
		out = append(out, m)
	}
	return out
}
