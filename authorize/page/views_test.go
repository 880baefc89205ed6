package page

import (
	"time"

	"settled/internal/money"
)

var now = time.Date(2026, 11, 22, 10, 15, 0, 0, time.UTC)

func rub(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: money.RUB} }
func usd(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: money.USD} }

// in chooses the text of the language.
func in(l Language, english, russian string) string {
	if l == Russian {
		return russian
	}
	return english
}

// viewOf is a View of a body as a handler would fill it.
func viewOf(l Language, body Body) *View {
	return &View{
		Language:  l,
		Languages: []LanguageLink{{English, "/pay/pay.cfm?CFSID=a&Language=EN"}, {Russian, "/pay/pay.cfm?CFSID=a&Language=RU"}},
		Order: Order{
			Merchant: in(l, "Polar Books", "Книжный магазин «Полярный»"), Number: "A-2026/11-000417",
			Comment: in(l, "Three books and delivery to Murmansk", "Три книги и доставка в Мурманск"), Amount: rub(1_234_550),
		},
		Secure: true,
		Token:  "session-token", Action: "/pay/pay.cfm?CFSID=a", SessionURL: "/pay/pay.cfm?CFSID=a", StatusURL: "/pay/status.cfm?CFSID=a",
		ShopURL: "https://shop.example/return?billnumber=5123456000000001&ordernumber=A-2026%2F11-000417",
		Now:     now, Deadline: now.Add(14*time.Minute + 32*time.Second), Body: body,
	}
}

// plain is the usual payment page.
func plain() Payment {
	return Payment{Means: []Means{MeansCard, MeansQR}, OfferSave: true,
		Schemes: []string{"Visa", "Mastercard", "Mir", "Belkart", "Maestro", "UnionPay"},
		Fields:  []Field{{Name: "Lastname", Required: true}, {Name: "Firstname", Required: true}, {Name: "Email", Required: true}, {Name: "MobilePhone"}}}
}

func declined(l Language) *Decline {
	return &Decline{in(l, "Insufficient funds", "Недостаточно средств"), in(l, "Use another card", "Воспользуйтесь другой картой")}
}

func banks() []Bank {
	names := []string{"Банк «Берёза»", "Восточный причал", "Горный кредит", "Заречный банк", "Лесной", "Полярная звезда", "Речной кредит", "Банк «Ромашка»", "Северный берег", "Степной банк", "Тихая гавань", "Южный ветер"}
	var list []Bank
	for i, name := range names {
		list = append(list, Bank{name, "bank1000000001" + string(rune('0'+i/10)) + string(rune('0'+i%10)) + "://qr.nspk.example/AS10003P3RH0LJ2A9ROO038L6NT5RU1M?type=02"})
	}
	return list
}

const payload = "https://qr.nspk.example/AS10003P3RH0LJ2A9ROO038L6NT5RU1M?type=02&bank=000000000001&sum=1234550&cur=RUB&crc=F3D0"

// views are all pages in their notable states, by name.
func views(l Language) map[string]*View {
	all := map[string]*View{
		"payment":         viewOf(l, plain()),
		"wait":            viewOf(l, Wait{}),
		"qr":              viewOf(l, QR{Payload: payload, Banks: banks(), Until: now.Add(10 * time.Minute), Means: true}),
		"qr-asked":        viewOf(l, QR{Payload: payload, Asked: true, Until: now.Add(10 * time.Minute), Means: true}),
		"qr-failed":       viewOf(l, QR{Means: true}),
		"method":          viewOf(l, Method{URL: "https://acs.example/method", Data: "eyJ0aHJlZURTU2VydmVyVHJhbnNJRCI6IjEifQ"}),
		"method-done":     viewOf(l, MethodDone{}),
		"challenge":       viewOf(l, Challenge{URL: "https://acs.example/challenge", Request: "eyJtZXNzYWdlVHlwZSI6IkNSZXEifQ", SessionData: "c2Vzc2lvbg"}),
		"failure":         viewOf(l, Failure{Reason: ReasonUnknown, ID: 12}),
		"failure-request": viewOf(l, Failure{Reason: ReasonRequest, ID: 3, Detail: "OrderAmount is missing"}),
		"failure-busy":    viewOf(l, Failure{Reason: ReasonBusy}),
		"failure-system":  viewOf(l, Failure{Reason: ReasonSystem, ID: 500}),
	}
	for _, name := range []string{"failure", "failure-request", "failure-busy", "failure-system"} {
		all[name].Order, all[name].ShopURL = Order{}, ""
	}
	addPayments(all, l)
	addResults(all, l)
	return all
}

func addPayments(all map[string]*View, l Language) {
	wrong := plain()
	wrong.Holder = "ИВАН ПЕТРОВ"
	wrong.Fields[0].Value, wrong.Fields[1].Value, wrong.Fields[2].Value = "Петров", "Иван", "ivan@"
	wrong.Errors = map[string]Problem{"Email": ProblemFormat, FieldNumber: ProblemRequired, FieldExpiry: ProblemExpired,
		FieldCVC: ProblemFormat, FieldHolder: ProblemFormat}
	all["payment-errors"] = viewOf(l, wrong)

	again := plain()
	again.Fields, again.Decline, again.TriesLeft = nil, declined(l), 2
	all["payment-declined"] = viewOf(l, again)
	converted := viewOf(l, Payment{Means: []Means{MeansCard}})
	converted.Order.Original, converted.Order.Rate, converted.Order.Source = usd(13_640), "90.5095", in(l, "Bank of Russia, 22.11.2026", "Банк России, 22.11.2026")
	converted.Order.Comment = in(l, "A long description. ", "Длинное описание заказа. ")
	for range 4 {
		converted.Order.Comment += converted.Order.Comment
	}
	all["payment-converted"] = converted

	saved := plain()
	saved.Fields = nil
	saved.Saved = []Saved{
		{ID: "s1", Scheme: "Visa", Mask: "•••• 1111", Expiry: "09/28", NeedsCVC: true},
		{ID: "s2", Scheme: "Mir", Mask: "•••• 0004", Expiry: "01/30"},
		{ID: "s3", Scheme: "Mastercard", Mask: "•••• 4444", Expiry: "10/26", Expired: true},
	}
	all["payment-saved"] = viewOf(l, saved)

	regular := Payment{Means: []Means{MeansCard}, Schemes: []string{"Visa", "Mastercard", "Mir"},
		Recurring: &Recurring{Min: rub(10_000), Max: rub(200_000), Days: 30, Until: time.Date(2027, 12, 31, 0, 0, 0, 0, time.UTC)}}
	all["payment-recurring"] = viewOf(l, regular)
	all["payment-subscription"] = viewOf(l, Payment{Means: []Means{MeansQR}, Recurring: &Recurring{Subscription: true, Max: rub(200_000)}})
	test := viewOf(l, Payment{Means: []Means{MeansCard}, Schemes: []string{"Visa", "Mastercard", "Mir"}})
	test.Test = &Test{[]TestCard{
		{"4111 1111 1111 1111", "12/29", "123", in(l, "approved", "одобрение")},
		{"5555 5555 5555 4444", "12/29", "123", in(l, "insufficient funds", "недостаточно средств")},
		{"2200 0000 0000 0004", "12/29", "123", in(l, "asks for 3-D Secure", "потребует 3-D Secure")}}}
	all["payment-test"] = test
	for _, notice := range []Notice{NoticeCardDeleted, NoticeUnconfirmed, NoticeExpired, NoticeUnsent, NoticeOtherChannel} {
		all["payment-"+string(notice)] = viewOf(l, Payment{Means: []Means{MeansCard}, Notice: notice})
	}
}

func addResults(all map[string]*View, l Language) {
	for _, outcome := range []Outcome{OutcomePaid, OutcomeReserved, OutcomeDeclined, OutcomeCanceled, OutcomeWithdrawn, OutcomeTimeout, OutcomeInProcess} {
		result := Result{Outcome: outcome, Bill: "5123456000000001", Means: "Visa •••• 1111", At: now}
		switch outcome {
		case OutcomePaid, OutcomeReserved:
			result.Approval = "083412"
		case OutcomeDeclined:
			result.Decline, result.RetryURL = declined(l), "/pay/pay.cfm?CFSID=a&again=1"
		case OutcomeTimeout, OutcomeWithdrawn:
			result.Means, result.At = "", time.Time{}
		}
		all["result-"+string(outcome)] = viewOf(l, result)
	}
}
