// Package page renders the hosted payment page: HTML, style, script, texts and QR codes. It knows no order, no database
// and no clock: a page is a pure function of a [View].
//
// # Pages
//
//	Body        shown when                                             what it posts to View.Action (FieldDo)
//	Payment     the buyer chooses the means and gives the card      pay; delete (a stored card)
//	Wait        a payment is in process; asks StatusURL                -
//	QR          an instant payment waits for the buyer's bank       means (another way to pay); retry (no QR was had)
//	Method      the 3-D Secure method runs in a hidden frame           continue
//	MethodDone  inside that frame, when the method has ended           -
//	Challenge   the buyer is sent to the bank's challenge           (posts creq to the access control server)
//	Result      the outcome is known, or still in process              -
//	Failure     there is nothing to pay here                           -
//
// A handler fills a View and calls [Serve], which sets the headers of [Headers] and writes the page. [Static] serves the
// two files that pages load. Pages that wait ask StatusURL, which answers with [ServeStatus] the name of the page that
// SessionURL would show now; when it is another one, they go to SessionURL.
//
// # Forms
//
// Every form is an ordinary POST to View.Action with the hidden field [FieldSession]; the names are the Field constants.
// All of it works without JavaScript: the handler answers a form with mistakes by the same page with Errors set. The
// script only helps: it groups the number, recognizes the scheme, checks the digits and the expiry before they are sent,
// counts the time down and asks for the state. A View has no place for a card number or a verification code, so no page
// can repeat one.
//
// Browsers of pages with the policy no-referrer send "Origin: null" with a form. What proves that a form is ours is
// FieldSession, not Origin.
//
// # Security
//
// The pages load nothing but their own two files, whose names hold the hash of their content and which are pinned by
// integrity attributes. No script and no style is inline, so that [Headers] can forbid both. Every text is escaped by
// html/template; links go only to http and https, and to the apps of banks.
//
// # Texts
//
// All texts are in one table, Russian beside English. What the buyer is told of a declined payment comes with the
// View, because merchants are told the same words.
package page
