package config

import "time"

// MerchantFile is a merchant.
type MerchantFile struct {
	ID             int32             `yaml:"id"`
	Name           string            `yaml:"name"`
	ClearingName   string            `yaml:"clearing_name,omitempty"`
	Street         string            `yaml:"street"`
	City           string            `yaml:"city"`
	Postal         string            `yaml:"postal"`
	Region         string            `yaml:"region,omitempty"`
	Country        string            `yaml:"country"`
	MCC            string            `yaml:"mcc"`
	Currency       string            `yaml:"currency"`
	Login          string            `yaml:"login"`
	PasswordHash   string            `yaml:"password_hash"`
	SecretWord     string            `yaml:"secret_word,omitempty"`
	SecretWordFile string            `yaml:"secret_word_file,omitempty"`
	TestMode       bool              `yaml:"test_mode,omitempty"`
	Language       string            `yaml:"language,omitempty"`
	Charset        string            `yaml:"charset,omitempty"`
	OldCurrencies  bool              `yaml:"old_currencies,omitempty"`
	Page           PageFile          `yaml:"page,omitempty"`
	Proofs         ProofsFile        `yaml:"proofs,omitempty"`
	Notifications  NotificationsFile `yaml:"notifications,omitempty"`
	CardTesting    CardTestingFile   `yaml:"card_testing,omitempty"`
	Routes         []RouteFile       `yaml:"routes"`
}

// PageFile says how buyers of a merchant pay on the payment page.
type PageFile struct {
	Means              []string      `yaml:"means,omitempty,flow"`
	Timeout            time.Duration `yaml:"timeout,omitempty"`
	Attempts           int           `yaml:"attempts,omitempty"`
	ReturnURL          string        `yaml:"return_url,omitempty"`
	ReturnOKURL        string        `yaml:"return_ok_url,omitempty"`
	ReturnNoURL        string        `yaml:"return_no_url,omitempty"`
	ReturnHosts        []string      `yaml:"return_hosts,omitempty,flow"`
	After              string        `yaml:"after,omitempty"`
	OneClick           bool          `yaml:"one_click,omitempty"`
	AskCode            bool          `yaml:"one_click_code,omitempty"`
	Recurring          bool          `yaml:"recurring,omitempty"`
	ThreeDS            bool          `yaml:"three_ds,omitempty"`
	ThreeDSUnavailable string        `yaml:"three_ds_unavailable,omitempty"`
	AutoNumber         bool          `yaml:"auto_number,omitempty"`
	Links              string        `yaml:"links,omitempty"`
	Required           []string      `yaml:"required,omitempty,flow"`
}

// ProofsFile says how a merchant's requests and our answers to it are proven.
type ProofsFile struct {
	Checkvalue      bool     `yaml:"checkvalue,omitempty"`
	Signature       bool     `yaml:"signature,omitempty"`
	PublicKeyFile   string   `yaml:"public_key_file,omitempty"`
	SHA256          bool     `yaml:"sha256,omitempty"`
	NoDelimiters    bool     `yaml:"no_delimiters,omitempty"`
	Answers         string   `yaml:"answers,omitempty"`
	Covers          []string `yaml:"covers,omitempty,flow"`
	AnybodyMayOrder bool     `yaml:"anybody_may_order,omitempty"`
	ShortPublicKey  bool     `yaml:"short_public_key,omitempty"`
}

// NotificationsFile says what a merchant's server is told.
type NotificationsFile struct {
	URL            string   `yaml:"url,omitempty"`
	Protocol       string   `yaml:"protocol,omitempty"`
	Answer         string   `yaml:"answer,omitempty"`
	Send           []string `yaml:"send,omitempty,flow"`
	OnlySuccessful bool     `yaml:"only_successful,omitempty"`
	SigningKeyFile string   `yaml:"signing_key_file,omitempty"`
	AllowPrivate   bool     `yaml:"allow_private,omitempty"`
}

// CardTestingFile says when a merchant's payments look like the trying of card numbers.
type CardTestingFile struct {
	Off      bool          `yaml:"off,omitempty"`
	Declines int           `yaml:"declines,omitempty"`
	Run      int           `yaml:"run,omitempty"`
	BIN      int           `yaml:"bin,omitempty"`
	Stop     time.Duration `yaml:"stop,omitempty"`
}

// RouteFile is a merchant's contract with one center.
type RouteFile struct {
	Center           string        `yaml:"center"`
	Currencies       []string      `yaml:"currencies,flow"`
	Terminal         string        `yaml:"terminal"`
	Acceptor         string        `yaml:"acceptor"`
	ConfirmWithin    time.Duration `yaml:"confirm_within,omitempty"`
	MITConfirmWithin time.Duration `yaml:"mit_confirm_within,omitempty"`
	MDRBPS           int64         `yaml:"mdr_bps"`
	MDRInvoiced      bool          `yaml:"mdr_invoiced,omitempty"`
	ReturnMDR        bool          `yaml:"return_mdr,omitempty"`
	Ends             string        `yaml:"ends,omitempty"`
}
