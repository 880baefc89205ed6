package tenants

import (
	"context"
	"settled/authorize/protocol"
	"settled/settle"
	"strconv"
	"time"
)

// Register knows the merchants that may call, and finds out who calls.
type Register struct {
	merchants   map[int32]Merchant
	directory   *settle.Directory
	credentials *credentials
}

// NewRegister fails when a merchant has no usable password hash. guessed is told of a merchant when passwords begin to be guessed at
// it from many sources; it must not call the register.
func NewRegister(merchants map[int32]Merchant, directory *settle.Directory, now func() time.Time, guessed func(merchant int32)) (*Register, error) {
	c, err := newCredentials(merchants, now, guessed)
	return &Register{merchants, directory, c}, err
}

// Under returns a register of changed merchants that remembers who called, and who guessed, as r does. It fails as NewRegister does.
func (r *Register) Under(merchants map[int32]Merchant, directory *settle.Directory) (*Register, error) {
	c, err := r.credentials.of(merchants)
	return &Register{merchants, directory, c}, err
}

// Settings are those of a merchant, if it is known.
func (r *Register) Settings(merchant int32) (Merchant, bool) {
	m, known := r.merchants[merchant]
	return m, known
}

// Find finds out whose order it is. What proves it, if the merchant wants proof, is the check value.
func (r *Register) Find(c *Caller) error {
	if err := c.Require(protocol.InMerchant); err != nil {
		return err
	}
	id, _ := strconv.ParseInt(c.Text(protocol.InMerchant), 10, 32) // set made sure that it is a number
	settings, known := r.merchants[int32(id)]
	if !known {
		return protocol.Refuse(protocol.FirstNotFound, protocol.OnEnterprise, "no such merchant")
	}
	merchant, _ := r.directory.Merchant(int32(id))
	c.is(merchant, &settings)
	return nil
}

// Authenticate finds out who calls. Unknown merchant, wrong login and wrong password are told alike.
func (r *Register) Authenticate(ctx context.Context, c *Caller) error {
	if err := c.Require(protocol.InMerchant, protocol.InLogin, protocol.InPassword); err != nil {
		return err
	}
	id, err := strconv.ParseUint(c.Text(protocol.InMerchant), 10, 31)
	if err != nil {
		return protocol.Unreadable(protocol.InMerchant, "is not a number up to 2147483647")
	}
	if err := r.credentials.verify(ctx, int32(id), c.Bytes(protocol.InLogin), c.Bytes(protocol.InPassword), c.Source); err != nil {
		return err
	}
	settings := r.merchants[int32(id)]
	merchant, _ := r.directory.Merchant(int32(id))
	c.is(merchant, &settings)
	return nil
}

// Close ends what goes on beside the calls. They must have ended before.
func (r *Register) Close() { r.credentials.close() }
