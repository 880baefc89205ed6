package authorize

// Response codes of operations.
const (
	responseApproved    = "AS000"
	responseDeclined    = "AS100"
	responseWrongCard   = "AS101"
	responseNoFunds     = "AS102"
	responseExpired     = "AS104"
	responseAmountLimit = "AS105"
	responseReception   = "AS107"
	responseFraud       = "AS108"
	responseCountLimit  = "AS109"
	responseSecure      = "AS110"
	responseInProcess   = "AS300"
)

// language of the texts in an answer.
type language uint8

const (
	english language = iota
	russian
	languages
)

var languageNames = [languages]string{english: "EN", russian: "RU"}

// wording is what a response code says to the merchant, to the customer, and what it recommends.
type wording struct{ message, customer, recommendation string }

// instantDeclined is what a declined instant payment says to its buyer, who has no card to change.
var instantDeclined = [languages]wording{
	english: {"Instant payment refused", "The payment was not made", "Try again or choose another way to pay"},
	russian: {"Быстрый платеж отклонен", "Платеж не выполнен", "Повторите попытку или выберите другой способ оплаты"},
}

var wordings = map[string][languages]wording{
	responseApproved: {
		english: {"Completed successfully", "Completed successfully", ""},
		russian: {"Операция выполнена успешно", "Операция выполнена успешно", ""}},
	responseDeclined: {
		english: {"Authorization declined", "Declined by the bank", "Use another card or ask the issuing bank"},
		russian: {"Отказ в авторизации", "Отказано банком", "Воспользуйтесь другой картой или обратитесь в банк"}},
	responseWrongCard: {
		english: {"Declined: wrong card parameters", "Wrong card data", "Check the card data"},
		russian: {"Отказ: неверные параметры карты", "Неверные данные карты", "Проверьте данные карты"}},
	responseNoFunds: {
		english: {"Declined: insufficient funds", "Insufficient funds", "Use another card"},
		russian: {"Отказ: недостаточно средств", "Недостаточно средств", "Воспользуйтесь другой картой"}},
	responseExpired: {
		english: {"Declined: wrong card expiry", "The card has expired", "Use another card"},
		russian: {"Отказ: неверный срок действия карты", "Срок действия карты истек", "Воспользуйтесь другой картой"}},
	responseAmountLimit: {
		english: {"Declined: card operation limit exceeded", "Limit exceeded", "Use another card or ask the issuing bank"},
		russian: {"Отказ: превышен лимит операций по карте", "Превышен лимит", "Воспользуйтесь другой картой или обратитесь в банк"}},
	responseReception: {
		english: {"Declined: data reception error", "The bank is not available", "Try again later"},
		russian: {"Отказ: ошибка приема данных", "Банк недоступен", "Повторите попытку позже"}},
	responseFraud: {
		english: {"Declined: suspected fraud", "Declined by the bank", "Ask the issuing bank"},
		russian: {"Отказ: подозрение на мошенничество", "Отказано банком", "Обратитесь в банк"}},
	responseCountLimit: {
		english: {"Declined: operation limit exceeded", "Limit exceeded", "Try again later"},
		russian: {"Отказ: превышен лимит операций", "Превышен лимит", "Повторите попытку позже"}},
	responseSecure: {
		english: {"3-D Secure authorization required", "Your bank confirms the payment", "Continue with 3-D Secure"},
		russian: {"Требуется авторизация 3-D Secure", "Банк подтверждает платеж", "Продолжите проверку 3-D Secure"}},
	responseInProcess: {
		english: {"Operation in process", "The payment is being processed", "Ask for the order's state later"},
		russian: {"Операция в процессе", "Платеж обрабатывается", "Запросите состояние заказа позже"}},
}

// hasWords tells whether a response code is one that answers can have.
func hasWords(code string) bool { _, ok := wordings[code]; return ok }

// say writes a response code and its texts into an answer.
func (r *record) say(code string, l language) {
	w := &wording{}
	if texts, ok := wordings[code]; ok {
		w = &texts[l]
	}
	r[outResponseCode], r[outMessage], r[outCustomerMessage], r[outRecommendation] = code, w.message, w.customer, w.recommendation
}
