package settle

import (
	"context"
	"fmt"

	"settled/internal/money"
	"settled/settle/fees"
	"settled/settle/funds"
	"settled/settle/ledger"
	"settled/settle/order"

	"github.com/jackc/pgx/v5"
)

// work is one transaction on one order: the order under its row lock, the moment, and what the transaction adds. Methods
// write at once; amounts and postings are written by save.
type work struct {
	books    *Books
	tx       pgx.Tx
	order    *Order
	merchant *Merchant
	center   *Center
	route    *Route
	moment   moment
	before   order.State
	trigger  order.Trigger
	postings []ledger.Posting
	wake     bool   // something is owed to a center at once
	paid     bool   // the order was paid before
	consent  string // the partner bank's token that came with what this transaction learned; never logged
	told     Notify
	found    map[int16]OperationState // of the operations before
}

// post adds a posting of the order's currency and center to the journal of an operation.
func (w *work) post(rule ledger.Rule, operation int16, phase ledger.Phase, amount int64, undo bool) {
	w.postings = append(w.postings, ledger.Posting{
		Key:  ledger.Key{Merchant: w.order.Merchant, Source: ledger.FromOrder, SourceID: w.order.ID, Seq: operation, Phase: phase},
		Rule: rule, Amount: amount, Currency: w.order.Amount.Currency, Center: w.center.ID, At: w.moment.at, Undo: undo,
	})
}

const insertOperation = `
INSERT INTO operations (merchant_id, order_id, operation, kind, state, actor, reason, amount, asked_amount, auto_deposit,
	requested_at, completed_at, response, external_id, note, record_id, window_id, refunded, means)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`

// nextOperation reserves the number of the operation that this transaction will write.
func (w *work) nextOperation() int16 {
	w.order.lastOperation++
	return w.order.lastOperation
}

// addOperation writes an operation; its instants are the moment's where it has none.
func (w *work) addOperation(ctx context.Context, op Operation) error {
	if op.RequestedAt.IsZero() {
		op.RequestedAt = w.moment.at
	}
	if op.State != OperationInProcess {
		op.CompletedAt = &w.moment.at
	}
	_, err := w.tx.Exec(ctx, insertOperation, w.order.Merchant, w.order.ID, op.Number, op.Kind, op.State, op.Actor, op.Reason,
		op.Amount, op.Asked, op.AutoDeposit, op.RequestedAt, op.CompletedAt, op.Response, op.External, op.Note, op.Record, op.Window, op.Refunded,
		max(op.Means, order.MeansCard))
	if err != nil {
		return fmt.Errorf("insert operation %d.%d: %w", w.order.ID, op.Number, err)
	}
	w.order.Operations = append(w.order.Operations, op)
	return nil
}

// putOperation writes an operation, or what may change of one that is there.
func (w *work) putOperation(ctx context.Context, op Operation) error {
	old := w.order.Operation(op.Number)
	if old == nil {
		return w.addOperation(ctx, op)
	}
	old.State, old.Response, old.Note = op.State, op.Response, joinNotes(old.Note, op.Note)
	if op.State != OperationInProcess {
		old.CompletedAt = &w.moment.at
	}
	return w.saveOperation(ctx, old)
}

const updateOperation = `
UPDATE operations SET state = $4, completed_at = $5, response = $6, note = $7, refunded = $8, interchange_back = $9, mdr_back = $10
WHERE merchant_id = $1 AND order_id = $2 AND operation = $3`

// saveOperation writes what may change of an operation.
func (w *work) saveOperation(ctx context.Context, op *Operation) error {
	_, err := w.tx.Exec(ctx, updateOperation, w.order.Merchant, w.order.ID, op.Number, op.State, op.CompletedAt, op.Response, op.Note, op.Refunded,
		op.InterchangeBack, op.MDRBack)
	if err != nil {
		return fmt.Errorf("update operation %d.%d: %w", w.order.ID, op.Number, err)
	}
	return nil
}

func (w *work) finishOperation(ctx context.Context, op *Operation, s OperationState, response string) error {
	op.State, op.Response, op.CompletedAt = s, response, &w.moment.at
	return w.saveOperation(ctx, op)
}

const insertTransaction = `
INSERT INTO transactions (merchant_id, order_id, transaction, operation, original, slice, kind, state, amount, exchange_id,
	transmitted_at, answered_at, attempts, action_code, approval_code, security, network_id, mdr_back, contract_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
ON CONFLICT (merchant_id, order_id, transaction) DO UPDATE SET state = excluded.state, answered_at = excluded.answered_at,
	attempts = excluded.attempts, action_code = excluded.action_code, approval_code = excluded.approval_code, network_id = excluded.network_id,
	mdr_back = excluded.mdr_back, contract_id = excluded.contract_id`

// saveTransaction writes a transaction or what may change of it.
func (w *work) saveTransaction(ctx context.Context, t Transaction) error {
	_, err := w.tx.Exec(ctx, insertTransaction, w.order.Merchant, w.order.ID, t.Number, t.Operation, t.Original, t.Slice, t.Kind,
		t.State, t.Amount, t.Exchange, t.TransmittedAt, t.AnsweredAt, t.Attempts, t.ActionCode, t.ApprovalCode,
		t.Security, t.NetworkID, t.MDRBack, t.Contract)
	if err != nil {
		return fmt.Errorf("write transaction %d/%d: %w", w.order.ID, t.Number, err)
	}
	if old := w.order.Transaction(t.Number); old != nil {
		*old = t
	} else {
		w.order.Transactions = append(w.order.Transactions, t)
	}
	return nil
}

const insertOwed = `
INSERT INTO owed_exchanges (merchant_id, order_id, transaction, operation, original, slice, center_id, kind, amount,
	exchange_id, transmitted_at, created_at, due_at, attempts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13)`

// owe writes that the center is owed a message about the original transaction, due at once.
func (w *work) owe(ctx context.Context, kind Kind, operation, original int16, slice *int16, amount int64) error {
	return w.oweTransaction(ctx, Transaction{Operation: operation, Original: &original, Slice: slice, Kind: kind, Amount: amount})
}

// oweTransaction gives a message its numbers, and writes that it is owed.
func (w *work) oweTransaction(ctx context.Context, t Transaction) error {
	if t.Kind == Refund { // the other messages name the payment alone
		if _, err := w.order.sealedCard(); err != nil {
			return err
		}
	}
	exchange, err := w.books.exchangeID(ctx, adviceExchange)
	if err != nil {
		return err
	}
	w.order.lastTxn++
	t.Number, t.State, t.Exchange, t.TransmittedAt = w.order.lastTxn, TransactionSent, exchange, w.moment.at
	if err := w.saveTransaction(ctx, t); err != nil {
		return err
	}
	return w.enqueue(ctx, t)
}

// enqueue writes that a transaction is owed, due at once.
func (w *work) enqueue(ctx context.Context, t Transaction) error {
	_, err := w.tx.Exec(ctx, insertOwed, w.order.Merchant, w.order.ID, t.Number, t.Operation, t.Original, t.Slice, w.center.ID,
		t.Kind, t.Amount, t.Exchange, t.TransmittedAt, w.moment.at, t.Attempts)
	if err != nil {
		return fmt.Errorf("owe center %s a message on order %d: %w", w.center.Name, w.order.ID, err)
	}
	w.wake = true
	return nil
}

const insertRecord = `
INSERT INTO records (window_id, record_id, merchant_id, order_id, operation, kind, amount, currency, exchange_id, born_at,
	authorized_at, slice, sequence, final, card_expiry, approval_code, card, security, network_id, interchange_back, mdr_back, contract_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
	coalesce((SELECT contract_id FROM records WHERE window_id = $23 AND record_id = $24 AND merchant_id = $3), $22))`

// present writes a clearing record into the window that is open at the moment. A sale is born under the contract that the
// order is served under now, a credit under that of the sale which it gives back; back is what the credit gives back of the
// fees of its sale, nil for a sale. ErrCardErased tells that no record can name the card any more.
func (w *work) present(ctx context.Context, kind RecordKind, operation, slice int16, amount int64, sequence int, final bool, back *fees.Back) (int64, int32, error) {
	card, err := w.order.sealedCard()
	if err != nil {
		return 0, 0, err
	}
	window, err := w.moment.window(w.center.ID)
	if err != nil {
		return 0, 0, err
	}
	id, err := w.books.ids.next(ctx, recordName, recordBlock)
	if err != nil {
		return 0, 0, err
	}
	payment := w.order.PaymentTransaction()
	if payment == nil {
		return 0, 0, fmt.Errorf("%w: order %d has no authorization", ErrOperation, w.order.ID)
	}
	var interchange, mdr *int64
	if back != nil {
		interchange, mdr = &back.Interchange, &back.MDR
	}
	var sold Operation
	if kind == Credit {
		sold = *w.order.Operation(slice)
	}
	_, err = w.tx.Exec(ctx, insertRecord, window, id, w.order.Merchant, w.order.ID, operation, kind, amount,
		int16(w.order.Amount.Currency), payment.Exchange, w.moment.at, payment.TransmittedAt, slice, sequence, final,
		w.order.CardExpiry, payment.ApprovalCode, card, payment.Security, payment.NetworkID,
		interchange, mdr, w.route.Contract, sold.Window, sold.Record)
	if err != nil {
		return 0, 0, fmt.Errorf("insert record of order %d: %w", w.order.ID, err)
	}
	return id, window, nil
}

// amount returns minor units of the order's currency as an Amount.
func (w *work) amount(minor int64) money.Amount {
	return money.Amount{Minor: minor, Currency: w.order.Amount.Currency}
}

// account is what the merchant has in the order's currency.
func (w *work) account() funds.Account {
	return funds.Account{Merchant: w.order.Merchant, Currency: w.order.Amount.Currency}
}
