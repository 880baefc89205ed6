package protocol

// Response codes of operations.
const (
	ResponseApproved    = "AS000"
	ResponseDeclined    = "AS100"
	ResponseWrongCard   = "AS101"
	ResponseNoFunds     = "AS102"
	ResponseExpired     = "AS104"
	ResponseAmountLimit = "AS105"
	ResponseReception   = "AS107"
	ResponseFraud       = "AS108"
	ResponseCountLimit  = "AS109"
	ResponseSecure      = "AS110"
	ResponseInProcess   = "AS300"
)

// Language of the texts in an answer.
type Language uint8

// The languages, and how many there are.
const (
	English Language = iota
	Russian
	Languages
)

// LanguageNames are the codes of the languages as on the wire.
var LanguageNames = [Languages]string{English: "EN", Russian: "RU"}

// Wording is what a response code says to the merchant and to the buyer, and what it recommends.
type Wording struct{ message, Customer, Recommendation string }

// InstantDeclined is what a declined instant payment says to its buyer, who has no card to change.
var InstantDeclined = [Languages]Wording{
	English: {"Instant payment refused", "The payment was not made", "Try again or choose another way to pay"},
	Russian: {"Быстрый платеж отклонен", "Платеж не выполнен", "Повторите попытку или выберите другой способ оплаты"},
}

var wordings = map[string][Languages]Wording{
	ResponseApproved: {
		English: {"Completed successfully", "Completed successfully", ""},
		Russian: {"Операция выполнена успешно", "Операция выполнена успешно", ""}},
	ResponseDeclined: {
		English: {"Authorization declined", "Declined by the bank", "Use another card or ask the issuing bank"},
		Russian: {"Отказ в авторизации", "Отказано банком", "Воспользуйтесь другой картой или обратитесь в банк"}},
	ResponseWrongCard: {
		English: {"Declined: wrong card parameters", "Wrong card data", "Check the card data"},
		Russian: {"Отказ: неверные параметры карты", "Неверные данные карты", "Проверьте данные карты"}},
	ResponseNoFunds: {
		English: {"Declined: insufficient funds", "Insufficient funds", "Use another card"},
		Russian: {"Отказ: недостаточно средств", "Недостаточно средств", "Воспользуйтесь другой картой"}},
	ResponseExpired: {
		English: {"Declined: wrong card expiry", "The card has expired", "Use another card"},
		Russian: {"Отказ: неверный срок действия карты", "Срок действия карты истек", "Воспользуйтесь другой картой"}},
	ResponseAmountLimit: {
		English: {"Declined: card operation limit exceeded", "Limit exceeded", "Use another card or ask the issuing bank"},
		Russian: {"Отказ: превышен лимит операций по карте", "Превышен лимит", "Воспользуйтесь другой картой или обратитесь в банк"}},
	ResponseReception: {
		English: {"Declined: data reception error", "The bank is not available", "Try again later"},
		Russian: {"Отказ: ошибка приема данных", "Банк недоступен", "Повторите попытку позже"}},
	ResponseFraud: {
		English: {"Declined: suspected fraud", "Declined by the bank", "Ask the issuing bank"},
		Russian: {"Отказ: подозрение на мошенничество", "Отказано банком", "Обратитесь в банк"}},
	ResponseCountLimit: {
		English: {"Declined: operation limit exceeded", "Limit exceeded", "Try again later"},
		Russian: {"Отказ: превышен лимит операций", "Превышен лимит", "Повторите попытку позже"}},
	ResponseSecure: {
		English: {"3-D Secure authorization required", "Your bank confirms the payment", "Continue with 3-D Secure"},
		Russian: {"Требуется авторизация 3-D Secure", "Банк подтверждает платеж", "Продолжите проверку 3-D Secure"}},
	ResponseInProcess: {
		English: {"Operation in process", "The payment is being processed", "Ask for the order's state later"},
		Russian: {"Операция в процессе", "Платеж обрабатывается", "Запросите состояние заказа позже"}},
}

// WordsOf are the words of a response code; those of a refusal without a reason when it has none.
func WordsOf(code string, l Language) Wording {
	texts, known := wordings[code]
	if !known {
		texts = wordings[ResponseDeclined]
	}
	return texts[l]
}

// Say writes a response code and its texts into an answer; a code that has none stands alone.
func (r *Row) Say(code string, l Language) {
	w := wordings[code][l]
	r[OutResponseCode], r[OutMessage], r[OutCustomerMessage], r[OutRecommendation] = code, w.message, w.Customer, w.Recommendation
}
