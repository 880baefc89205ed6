package app

import (
	"context"
	"errors"
	"fmt"

	"settled/authorize/instant"
	"settled/internal/config"
	"settled/settle/credential"
	"settled/settle/order"
	"settled/settle/read"
	"settled/settle/subscription"
)

// bank is a client of the partner bank of an instant center. Close it.
func (c *Core) bank(center *config.Center, metrics *instant.Metrics) (*instant.Client, error) {
	unit := instant.Rubles
	if center.Instant.Kopecks {
		unit = instant.Kopecks
	}
	client, err := instant.New(instant.Options{Name: center.Name, BaseURL: center.Instant.URL, KeyID: center.Instant.KeyID, Secret: center.Instant.Secret,
		Unit: unit, Timeout: center.Instant.Timeout, Now: c.Now, Log: c.Log, Metrics: metrics})
	if err != nil {
		return nil, fmt.Errorf("center %s: %w", center.Name, err)
	}
	return client, nil
}

// CancelSubscription ends the later payments that the order of a merchant began. What was stored for them is destroyed. A
// consent is canceled at its bank first: when the bank cannot be reached nothing is changed, because without the consent
// nobody could tell the bank any more.
func (c *Core) CancelSubscription(ctx context.Context, merchant int32, id int64) error {
	s, err := c.Read.Subscription(ctx, merchant, id)
	if err != nil {
		return err
	}
	if s.Credential != nil {
		if err := c.cancelConsent(ctx, s); err != nil {
			return fmt.Errorf("cancel subscription %d: %w", id, err)
		}
	}
	_, err = subscription.NewBook(c.Pool, c.Books.Now).Cancel(ctx, merchant, id)
	return err
}

// cancelConsent tells the partner bank to forget a consent. One that is gone or unknown there is no error.
func (c *Core) cancelConsent(ctx context.Context, s read.Subscription) error {
	stored := credential.NewStore(c.Pool, c.Vault, c.Books.Now)
	k, err := stored.Find(ctx, s.Merchant, *s.Credential)
	if errors.Is(err, credential.ErrNone) || err == nil && k.Means != order.MeansInstant {
		return nil
	}
	if err != nil {
		return err
	}
	token, err := stored.UseConsent(ctx, k)
	if err != nil {
		return err
	}
	defer token.Wipe()
	for i := range c.Config.Centers {
		center := &c.Config.Centers[i]
		if center.ID != s.Center || center.Instant == nil {
			continue
		}
		client, err := c.bank(center, nil)
		if err != nil {
			return err
		}
		defer client.Close()
		if err := client.CancelSubscription(ctx, string(token.Reveal())); err != nil && !errors.Is(err, instant.ErrNotFound) {
			return err
		}
		return nil
	}
	return fmt.Errorf("%w: center %d of the order is no instant center of the configuration", config.ErrInvalid, s.Center)
}
