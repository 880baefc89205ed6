package pcsim

import "html/template"

// shopTexts are the texts of the shop's pages, English and Russian.
var shopTexts = map[string][2]string{
	"home":          {"Goods", "Товары"},
	"orders":        {"Orders", "Заказы"},
	"notifications": {"Notifications", "Уведомления"},
	"test":          {"A shop for tests: nothing is delivered, and no real card works.", "Магазин для проверки: ничего не доставляется, настоящие карты не принимаются."},
	"choose":        {"What would you like?", "Что вам понравилось?"},
	"how":           {"How", "Как"},
	"kind":          {"Payment", "Оплата"},
	"one":           {"at once (one stage)", "сразу (одна стадия)"},
	"two":           {"hold now, the shop confirms later (two stages)", "сначала удержание, потом подтверждение (две стадии)"},
	"subscription":  {"subscription, later payments without me", "подписка, дальше без меня"},
	"means":         {"Means", "Средство"},
	"any":           {"choose on the payment page", "выбрать на странице оплаты"},
	"card":          {"bank card", "банковская карта"},
	"instant":       {"QR code of the bank", "QR-код банка"},
	"currency":      {"Currency", "Валюта"},
	"amount":        {"Amount", "Сумма"},
	"another":       {"Another amount", "Другая сумма"},
	"customer":      {"Customer number (One Click)", "Номер покупателя (One Click)"},
	"language":      {"Language of the payment page", "Язык страницы оплаты"},
	"buy":           {"Buy", "Купить"},
	"pay":           {"Go to the payment page", "Перейти к оплате"},
	"yourorder":     {"Your order", "Ваш заказ"},
	"sent":          {"What your browser sends to the gateway", "Что браузер отправит шлюзу"},
	"field":         {"Field", "Поле"},
	"value":         {"Value", "Значение"},
	"cards":         {"Test cards", "Тестовые карты"},
	"cardhint":      {"Any expiry to come, any code of three digits, any name.", "Любой будущий срок, любой код из трёх цифр, любое имя."},
	"secure":        {"Cards with 3-D Secure", "Карты с 3-D Secure"},
	"securehint":    {"Where the bank asks for a code, it is", "Если банк спросит код, это"},
	"qr":            {"Amounts for the QR code", "Суммы для QR-кода"},
	"qrhint":        {"The test bank's page plays the app: it lists the codes that wait. These amounts have an outcome of their own, all others are paid.", "Приложение заменяет страница тестового банка: на ней список кодов, ждущих оплаты. У этих сумм свой исход, остальные оплачиваются."},
	"app":           {"Bank's app", "Приложение банка"},
	"number":        {"Card number", "Номер карты"},
	"outcome":       {"Outcome", "Исход"},
	"thanks":        {"Thank you, your order is paid", "Спасибо, заказ оплачен"},
	"notpaid":       {"Your order is not paid", "Заказ не оплачен"},
	"open":          {"Your payment is being processed", "Платёж обрабатывается"},
	"truth":         {"The gateway says", "Шлюз сообщает"},
	"notold":        {"The gateway did not tell the state of the order", "Шлюз не сообщил состояние заказа"},
	"order":         {"Order", "Заказ"},
	"bill":          {"Bill number", "Номер платежа"},
	"state":         {"State", "Состояние"},
	"time":          {"Time", "Время"},
	"none":          {"Nothing yet.", "Пока пусто."},
	"confirm":       {"Confirm", "Подтвердить"},
	"cancel":        {"Cancel or refund", "Отменить или вернуть"},
	"charge":        {"Next payment of the subscription", "Следующий платёж подписки"},
	"refresh":       {"Ask for the state", "Спросить состояние"},
	"part":          {"part", "часть"},
	"operation":     {"Operation", "Операция"},
	"genuine":       {"Check value", "Контрольная сумма"},
	"right":         {"right", "верна"},
	"wrong":         {"WRONG", "НЕВЕРНА"},
	"again":         {"repeated", "повтор"},
	"unknown":       {"There is no such good, currency or order.", "Нет такого товара, валюты или заказа."},
	"badamount":     {"The amount cannot be read.", "Сумма указана неверно."},
	"full":          {"The shop has sold out: start it again.", "Магазин всё распродал: перезапустите его."},
	"back":          {"Back to the goods", "Назад к товарам"},
}

func shopText(language, key string) string {
	if language == "ru" {
		return shopTexts[key][1]
	}
	return shopTexts[key][0]
}

const shopLayout = `<!DOCTYPE html>
<html lang="{{.Language}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Shop}}</title>
<style>
*{box-sizing:border-box}body{font:1rem/1.5 system-ui,sans-serif;color:#1d2733;background:#f6f7f9;margin:0}
header,main,footer{max-width:60rem;margin:0 auto;padding:1rem}header{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;align-items:baseline}
header b{font-size:1.25rem;flex:1}a{color:#0b57a4}footer{color:#545d68;font-size:.875rem}
h1{font-size:1.5rem;margin:.5rem 0 1rem}h2{font-size:1.125rem;margin:2rem 0 .5rem}
.goods{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:1rem}
.good{display:block;background:#fff;border:2px solid #dde2e8;border-radius:.75rem;overflow:hidden;cursor:pointer}
.good:has(:checked){border-color:#0b57a4}.good i{display:block;height:4.5rem}.good div{padding:.75rem 1rem}
.good small{display:block;color:#545d68}.good strong{display:block;margin-top:.25rem;font-weight:400;font-size:.875rem}.good span{white-space:nowrap}.good span:first-child{font-weight:700;font-size:1.125rem;display:block}
.options{display:grid;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr));gap:.75rem 1rem;margin:1.25rem 0}
.options label{display:block}select,input:not([type=radio]):not([type=hidden]){font:inherit;width:100%;padding:.45rem .6rem;border:1px solid #8a94a0;border-radius:.4rem;background:#fff}
button{font:inherit;font-weight:600;padding:.6rem 1.4rem;border:0;border-radius:.5rem;background:#0b57a4;color:#fff;cursor:pointer}
td button{padding:.25rem .7rem;font-weight:400}td input:not([type=hidden]){width:6rem!important;padding:.2rem .4rem!important}td form{display:inline-flex;gap:.3rem;margin:.1rem .3rem .1rem 0}
table{border-collapse:collapse;background:#fff;width:100%;font-size:.9375rem}th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #dde2e8;overflow-wrap:break-word}
.wide{overflow-x:auto}code{white-space:nowrap}.panel{background:#fff;border:1px solid #dde2e8;border-radius:.75rem;padding:1rem 1.25rem;margin-bottom:1rem}
.ok{color:#1a6b36}.no{color:#a61b1b}.note{background:#fff6d6;padding:.6rem 1rem;border-radius:.5rem}
</style></head>
<body><header><b>{{.Shop}}</b><a href="/">{{.Text "home"}}</a><a href="/orders">{{.Text "orders"}}</a>
<a href="/notifications">{{.Text "notifications"}}</a>{{with .BankPage}}<a href="{{.}}" target="_blank" rel="noopener">{{$.Text "app"}}</a>{{end}}<a href="/?lang={{.Other}}" lang="{{.Other}}">{{if eq .Other "ru"}}Русский{{else}}English{{end}}</a></header>
<main>{{template "content" .}}</main><footer>{{.Text "test"}}</footer></body></html>
`

func shopPage(content string) *template.Template {
	t := template.Must(template.New("shop").Parse(shopLayout))
	return template.Must(t.New("content").Parse(content)).Lookup("shop")
}

var goodsPage = shopPage(`<h1>{{.Text "choose"}}</h1>
<form method="post" action="/buy"><div class="goods">
{{range $i, $g := .Page.Goods}}<label class="good"><i style="background:{{$g.Color}}"></i><div><input type="radio" name="good" value="{{$g.ID}}"{{if not $i}} checked{{end}}> {{$g.Name}}
<small>{{$g.About}}</small><strong>{{range $j, $p := $g.Prices}}{{if gt $j 1}} · {{end}}<span>{{$p}}</span>{{end}}</strong></div></label>
{{end}}</div>
<div class="options">
<label>{{.Text "kind"}} <select name="kind"><option value="one">{{.Text "one"}}</option><option value="two">{{.Text "two"}}</option><option value="subscription">{{.Text "subscription"}}</option></select></label>
<label>{{.Text "means"}} <select name="means"><option value="">{{.Text "any"}}</option><option value="card">{{.Text "card"}}</option><option value="instant">{{.Text "instant"}}</option></select></label>
<label>{{.Text "currency"}} <select name="currency">{{range .Page.Currencies}}<option>{{.}}</option>{{end}}</select></label>
<label>{{.Text "another"}} <input name="amount" inputmode="decimal" autocomplete="off"></label>
<label>{{.Text "customer"}} <input name="customer" maxlength="32" autocomplete="off"></label>
<label>{{.Text "language"}} <select name="language"><option value="EN">English</option><option value="RU"{{if eq .Language "ru"}} selected{{end}}>Русский</option></select></label>
</div><button id="buy">{{.Text "buy"}}</button></form>
<h2>{{.Text "cards"}}</h2><p>{{.Text "cardhint"}}</p>
<div class="wide"><table><tr><th>{{.Text "number"}}</th><th>{{.Text "outcome"}}</th></tr>
{{range .Page.Cards}}<tr><td><code>{{.PAN}}</code></td><td>{{.Means}}</td></tr>
{{end}}</table></div>
<h2>{{.Text "secure"}}</h2><p>{{.Text "securehint"}} <code>{{.Page.Code}}</code>.</p>
<div class="wide"><table><tr><th>{{.Text "number"}}</th><th>{{.Text "outcome"}}</th></tr>
{{range .Page.Secure}}<tr><td><code>{{.PAN}}</code></td><td>{{.Means}}</td></tr>
{{end}}</table></div>
<h2>{{.Text "qr"}}</h2><p>{{.Text "qrhint"}}</p>
<div class="wide"><table><tr><th>{{.Text "amount"}}</th><th>{{.Text "outcome"}}</th></tr>
{{range .Page.Amounts}}<tr><td><code>{{.Major}}</code></td><td>{{.Means}}</td></tr>
{{end}}</table></div>`)

var checkoutPage = shopPage(`<h1>{{.Text "yourorder"}}</h1>
<div class="panel"><p>{{.Page.Order.Comment}}: <strong>{{.Page.Order.Amount}}</strong></p>
<form method="post" action="{{.Page.Action}}" accept-charset="{{.Page.Charset}}">{{range .Page.Fields}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">{{end}}
<button id="pay">{{.Text "pay"}}</button></form></div>
<details><summary>{{.Text "sent"}}</summary><div class="wide"><table><tr><th>{{.Text "field"}}</th><th>{{.Text "value"}}</th></tr>
{{range .Page.Fields}}<tr><td>{{.Name}}</td><td>{{.Value}}</td></tr>
{{end}}</table></div></details>`)

var returnPage = shopPage(`{{if .Page.Paid}}<h1 class="ok">{{.Text "thanks"}}</h1>{{else if .Page.Open}}<h1>{{.Text "open"}}</h1>{{else}}<h1 class="no">{{.Text "notpaid"}}</h1>{{end}}
<div class="panel"><p>{{.Text "truth"}}: <strong id="state">{{.Page.Answer.OrderState}}</strong></p>
<p>{{.Text "order"}} <span id="number">{{.Page.Answer.OrderNumber}}</span> · {{.Text "bill"}} {{.Page.Answer.BillNumber}} · {{.Page.Answer.OrderAmount}} {{.Page.Answer.OrderCurrency}}</p></div>
<p><a href="/">{{.Text "back"}}</a></p>`)

var ordersPage = shopPage(`<h1>{{.Text "orders"}}</h1>
{{with .Page.Note}}<p class="note" role="status">{{.}}</p>{{end}}
{{if .Page.Orders}}<div class="wide"><table><tr><th>{{.Text "time"}}</th><th>{{.Text "order"}}</th><th>{{.Text "amount"}}</th><th>{{.Text "bill"}}</th><th>{{.Text "state"}}</th><th></th></tr>
{{range $o := .Page.Orders}}<tr id="{{.Number}}"><td>{{.At}}</td><td>{{.Number}}{{with .First}} ({{.}}){{end}}</td><td>{{.Amount}}</td><td>{{.Bill}}</td><td>{{.State}}</td><td>
<form method="post" action="/orders"><input type="hidden" name="order" value="{{.Number}}"><button name="do" value="refresh">{{$.Text "refresh"}}</button></form>
{{if or .Confirm .Cancel}}<form method="post" action="/orders"><input type="hidden" name="order" value="{{.Number}}"><input type="hidden" name="currency" value="{{.Currency}}">
<input name="amount" placeholder="{{$.Text "part"}}" aria-label="{{$.Text "part"}}">
{{if .Confirm}}<button name="do" value="confirm">{{$.Text "confirm"}}</button>{{end}}{{if .Cancel}}<button name="do" value="cancel">{{$.Text "cancel"}}</button>{{end}}</form>{{end}}
{{if .Charge}}<form method="post" action="/orders"><input type="hidden" name="order" value="{{.Number}}"><button name="do" value="charge">{{$.Text "charge"}}</button></form>{{end}}</td></tr>
{{end}}</table></div>{{else}}<p>{{.Text "none"}}</p>{{end}}`)

var noticesPage = shopPage(`<h1>{{.Text "notifications"}}</h1>
{{if .Page}}<div class="wide"><table><tr><th>{{.Text "time"}}</th><th>{{.Text "order"}}</th><th>{{.Text "bill"}}</th><th>{{.Text "operation"}}</th><th>{{.Text "amount"}}</th><th>{{.Text "means"}}</th><th>{{.Text "state"}}</th><th>{{.Text "genuine"}}</th></tr>
{{range .Page}}<tr><td>{{.At.Format "02.01 15:04:05"}}</td><td>{{.OrderNumber}}</td><td>{{.BillNumber}}</td><td>{{.Operation}} {{.ResponseCode}}</td><td>{{.Amount}} {{.Currency}}</td><td>{{.Means}}</td><td>{{.OrderState}}</td>
<td>{{if .Genuine}}<span class="ok">{{$.Text "right"}}</span>{{else}}<strong class="no">{{$.Text "wrong"}}</strong>{{end}}{{if .Again}} ({{$.Text "again"}}){{end}}</td></tr>
{{end}}</table></div>{{else}}<p>{{.Text "none"}}</p>{{end}}`)

var messagePage = shopPage(`<p class="note" role="alert">{{.Page}}</p><p><a href="/">{{.Text "back"}}</a></p>`)
