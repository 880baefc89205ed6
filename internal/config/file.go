package config

import (
	"time"

	"settled/authorize/online"
	"settled/clearing"
	"settled/settle/retention"
)

// File is the configuration file as written. docs/config.md explains every key.
type File struct {
	Environment    string                  `yaml:"environment,omitempty"`
	PublicURL      string                  `yaml:"public_url,omitempty"`
	SigningKeyFile string                  `yaml:"signing_key_file,omitempty"`
	Ledger         LedgerFile              `yaml:"ledger"`
	Calendars      map[string]CalendarFile `yaml:"calendars"`
	Rates          []RateFile              `yaml:"rates,omitempty"`
	ThreeDS        *ThreeDSFile            `yaml:"three_ds,omitempty"`
	Centers        []CenterFile            `yaml:"centers"`
	Merchants      []MerchantFile          `yaml:"merchants"`
	Schedules      map[string]string       `yaml:"schedules,omitempty"`
	Retention      retention.Settings      `yaml:"retention,omitempty"`
}

// RateFile is an exchange rate and when it is valid.
type RateFile struct {
	From      string `yaml:"from"`
	To        string `yaml:"to"`
	Rate      string `yaml:"rate"`
	Source    string `yaml:"source"`
	ValidFrom string `yaml:"valid_from,omitempty"`
	ValidTo   string `yaml:"valid_to,omitempty"`
}

// ThreeDSFile is how the 3-D Secure server is reached.
type ThreeDSFile struct {
	URL        string        `yaml:"url"`
	KeyID      string        `yaml:"key_id"`
	SecretFile string        `yaml:"secret_file"`
	Timeout    time.Duration `yaml:"timeout,omitempty"`
}

// LedgerFile holds what concerns the ledger as a whole.
type LedgerFile struct {
	Zone string `yaml:"zone"`
}

// CalendarFile is a calendar of business days.
type CalendarFile struct {
	Weekend  []string `yaml:"weekend,flow"`
	Holidays []string `yaml:"holidays,omitempty"`
	Working  []string `yaml:"working,omitempty"`
	Horizon  string   `yaml:"horizon"`
}

// CenterFile is a processing center.
type CenterFile struct {
	ID           int                `yaml:"id"`
	Name         string             `yaml:"name"`
	Zone         string             `yaml:"zone"`
	Environment  string             `yaml:"environment,omitempty"`
	Online       online.Settings    `yaml:"online,omitempty"`
	Instant      *InstantFile       `yaml:"instant,omitempty"`
	Capabilities CapabilitiesFile   `yaml:"capabilities"`
	Brands       []string           `yaml:"brands,omitempty,flow"`
	Costs        CostsFile          `yaml:"costs,omitempty"`
	Clearing     *clearing.Settings `yaml:"clearing,omitempty"`
}

// CapabilitiesFile is what a center can do.
type CapabilitiesFile struct {
	FinancialRecord bool   `yaml:"financial_record"`
	TwoStage        bool   `yaml:"two_stage"`
	PartialConfirm  bool   `yaml:"partial_confirm"`
	MultiConfirm    bool   `yaml:"multi_confirm"`
	ReversalPartial bool   `yaml:"reversal_partial"`
	Refund          string `yaml:"refund"`
	Inquiry         bool   `yaml:"inquiry"`
	ReleaseOnFinal  bool   `yaml:"release_on_final"`
	Log             string `yaml:"authorization_log,omitempty"`
	Instant         bool   `yaml:"instant,omitempty"`
	MaxAmount       int64  `yaml:"max_amount,omitempty"`
}

// InstantFile is how a partner bank for instant payments is reached.
type InstantFile struct {
	URL        string        `yaml:"url"`
	KeyID      string        `yaml:"key_id"`
	SecretFile string        `yaml:"secret_file"`
	Unit       string        `yaml:"unit,omitempty"`
	Timeout    time.Duration `yaml:"timeout,omitempty"`
	QRTTL      time.Duration `yaml:"qr_ttl,omitempty"`
	LatePaid   string        `yaml:"late_paid,omitempty"`
}

// CostsFile is what a center charges per accepted record.
type CostsFile struct {
	InterchangeBPS int64 `yaml:"interchange_bps"`
	SchemeBPS      int64 `yaml:"scheme_bps"`
	Processing     int64 `yaml:"processing"`
	Invoiced       bool  `yaml:"invoiced,omitempty"`
}
