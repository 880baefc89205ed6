package config

import (
	"slices"
	"strings"
)

// rule says of the keys of a section which are taken up while processes run, and which need their restart.
type rule struct {
	comes bool   // an entry of the list, or the whole section, may come and go while processes run
	live  string // keys that are taken up
	start string // keys that need a restart
}

// rules are those of all sections, as docs/config.md heads them. What merchants are asked and told, rates, keys that are pinned and days of
// business are looked up for each request and each step, so that they may change between two; what a connection, a listener, a file in work or
// the identity of something hangs on may not. A key without a row needs a restart, and a test misses its row.
var rules = map[string]rule{
	"":               {start: "environment public_url signing_key_file ledger calendars rates three_ds centers merchants schedules retention"},
	"ledger":         {start: "zone"},
	"calendars.NAME": {comes: true, live: "weekend holidays working horizon"},
	"rates[]":        {comes: true, live: "from to rate source valid_from valid_to"},
	"retention":      {comes: true, live: "declined_days paid_days stored_days files_days replies_days personal_days"},
	"three_ds":       {start: "url key_id secret_file timeout"},

	"centers[]":                           {start: "id name zone environment online instant capabilities brands costs clearing"},
	"centers[].online":                    {start: "address acquirer connections timeout echo link tls mac"},
	"centers[].online.tls":                {live: "ca_file server_name pins certificate_file key_file"},
	"centers[].online.mac":                {start: "algorithm key_file second_key_file"},
	"centers[].instant":                   {start: "url key_id secret_file unit timeout qr_ttl late_paid"},
	"centers[].capabilities":              {start: "financial_record two_stage partial_confirm multi_confirm reversal_partial refund inquiry release_on_final authorization_log instant max_amount"},
	"centers[].costs":                     {start: "interchange_bps scheme_bps processing invoiced"},
	"centers[].clearing":                  {live: "calendar windows", start: "stream format charset blocked dialect mode member acquirer_bin forwarder format_options empty_file release sequence sequence_width after_last reuse_number in_order reject_classes sftp replies"},
	"centers[].clearing.sftp":             {live: "key_file passphrase_file password_file host_keys", start: "address user log_dir upload_dir reply_dir removes_files hides_sizes dedupes_files duplicate_codes"},
	"centers[].clearing.replies":          {start: "pattern timeout weak_timeout poll remove max_rejects"},
	"centers[].clearing.windows[]":        {comes: true, live: "no cutoff deadline day_offset days"},
	"centers[].clearing.reject_classes[]": {start: "from to class"},

	"merchants[]":               {comes: true, live: "id name clearing_name street city postal region country mcc currency login password_hash secret_word secret_word_file test_mode language charset old_currencies page proofs notifications card_testing routes"},
	"merchants[].page":          {live: "means timeout attempts return_url return_ok_url return_no_url return_hosts after one_click one_click_code recurring three_ds three_ds_unavailable auto_number links required"},
	"merchants[].proofs":        {live: "checkvalue signature public_key_file sha256 no_delimiters answers covers anybody_may_order short_public_key"},
	"merchants[].notifications": {live: "url protocol answer send only_successful signing_key_file allow_private"},
	"merchants[].card_testing":  {live: "off declines run bin stop"},
	"merchants[].routes[]":      {comes: true, live: "center currencies terminal acceptor confirm_within mit_confirm_within mdr_bps mdr_invoiced return_mdr ends"},
}

// live tells that a key of a section is taken up while processes run; no key: that the section, or an entry of the list, may come and go.
func live(section, key string) bool {
	r := rules[section]
	if key == "" {
		return r.comes
	}
	return slices.Contains(strings.Fields(r.live), key)
}

// secrets are keys whose values are told to nobody.
var secrets = []string{"password_hash", "secret_word"}

// namesFile tells that the value of a key is the name of a file, which counts as what stands in it.
func namesFile(key string) bool { return strings.HasSuffix(key, "_file") && key != "empty_file" }
