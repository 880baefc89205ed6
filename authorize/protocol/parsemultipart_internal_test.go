package protocol

import (
	"bytes"
	"mime/multipart"
	"testing"
)

// multipartCall is a call with a body in multipart/form-data.
func multipartCall(body []byte, boundary string) *Call {
	return &Call{body: bytes.Clone(body), boundary: boundary, syntax: multipartSyntax}
}

// TestMultipart reads what another library writes, and refuses whatever of it is cut off.
func TestMultipart(t *testing.T) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range [][2]string{{"merchant_id", "100001"}, {"OrderComment", "two\r\nlines -- &%41+"}, {"Nobody", "x"}, {"YMPayment", "1"}, {"Email", ""}} {
		if err := w.WriteField(f[0], f[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	c := multipartCall(b.Bytes(), w.Boundary())
	if err := c.parseMultipart(); err != nil {
		t.Fatal(err)
	}
	if c.Text(InMerchant) != "100001" || c.Text(InOrderComment) != "twolines -- &%41+" || c.Has(InEmail) || len(c.unknown) != 1 {
		t.Errorf("merchant %q, comment %q, %d unknown", c.Text(InMerchant), c.Text(InOrderComment), len(c.unknown))
	}
	for n := range b.Len() - len("\r\n") {
		if err := multipartCall(b.Bytes()[:n], w.Boundary()).parseMultipart(); err == nil {
			t.Fatalf("%d of %d bytes were taken", n, b.Len())
		}
	}
}

func TestMultipartRefuses(t *testing.T) {
	const field = "\r\nContent-Disposition: form-data; name=\"Login\""
	for name, body := range map[string]string{
		"nothing":           "",
		"text":              "hello",
		"a preamble":        "hello\r\n--b" + field + "\r\n\r\na\r\n--b--",
		"more behind it":    "--b" + field + "\r\n\r\na\r\n--b--x",
		"a file":            "--b" + field + "; filename=\"a\"\r\n\r\na\r\n--b--",
		"an encoded value":  "--b" + field + "\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--b--",
		"two names":         "--b" + field + field + "\r\n\r\na\r\n--b--",
		"no name":           "--b\r\nContent-Disposition: form-data\r\n\r\na\r\n--b--",
		"no header":         "--b\r\n\r\na\r\n--b--",
		"no empty line":     "--b" + field + "\r\n--b--",
		"another boundary":  "--bc" + field + "\r\n\r\na\r\n--bc--",
		"a field twice":     "--b" + field + "\r\n\r\na\r\n--b" + field + "\r\n\r\na\r\n--b--",
		"no UTF-8":          "--b" + field + "\r\n\r\n\xff\r\n--b--",
		"another character": "--bx" + field + "\r\n\r\na\r\n--b--",
	} {
		if err := multipartCall([]byte(body), "b").parseMultipart(); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
