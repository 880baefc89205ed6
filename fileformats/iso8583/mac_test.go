package iso8583

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestMACVectors compares with published vectors, truncated to eight bytes: NIST SP 800-38B D.1 to D.3 (RFC 4493, 4) and RFC 4231, 4.
func TestMACVectors(t *testing.T) {
	const text = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
	const aes128, aes192, aes256 = "2b7e151628aed2a6abf7158809cf4f3c", "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
		"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
	for _, tt := range []struct {
		algorithm          MACAlgorithm
		key, message, want string
	}{
		{AESCMAC, aes128, "", "bb1d6929e9593728"},
		{AESCMAC, aes128, text[:32], "070a16b46b4d4144"},
		{AESCMAC, aes128, text[:80], "dfa66747de9ae630"},
		{AESCMAC, aes128, text, "51f0bebf7e3b9d92"},
		{AESCMAC, aes192, text[:80], "8a1de5be2eb31aad"},
		{AESCMAC, aes256, "", "028962f61b7bf89e"},
		{AESCMAC, aes256, text, "e1992190549f6ed5"},
		{HMACSHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", hex.EncodeToString([]byte("Hi There")), "b0344c61d8db3853"},
	} {
		mac, err := NewMAC(tt.algorithm, unhex(t, tt.key))
		if err != nil {
			t.Fatal(err)
		}
		code := mac.code(unhex(t, tt.message))
		if got := hex.EncodeToString(code[:]); got != tt.want {
			t.Errorf("%s of %d bytes under %d: %s, want %s", tt.algorithm, len(tt.message)/2, len(tt.key)/2, got, tt.want)
		}
	}
}

func TestMACKeys(t *testing.T) {
	for _, tt := range []struct {
		algorithm MACAlgorithm
		size      int
		good      bool
	}{{AESCMAC, 16, true}, {AESCMAC, 24, true}, {AESCMAC, 32, true}, {AESCMAC, 8, false}, {AESCMAC, 33, false}, {AESCMAC, 0, false},
		{HMACSHA256, 15, false}, {HMACSHA256, 16, true}, {HMACSHA256, 64, true}, {HMACSHA256, 65, false}, {"retail", 16, false}} {
		_, err := NewMAC(tt.algorithm, make([]byte, tt.size))
		if (err == nil) != tt.good || err != nil && !errors.Is(err, ErrMACKey) {
			t.Errorf("%s with %d bytes: %v", tt.algorithm, tt.size, err)
		}
	}
}

// TestMACOfMessages seals messages with and without a second bitmap, and changes one thing of each.
func TestMACOfMessages(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	for _, algorithm := range []MACAlgorithm{AESCMAC, HMACSHA256} {
		mac, err := NewMAC(algorithm, key)
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range []string{"", "N"} {
			element := 64
			m := answerOf(data)
			if data != "" {
				element = 128
			}
			frame, err := mac.AppendFrame([]byte("before"), m)
			if err != nil {
				t.Fatal(err)
			}
			message := frame[len("before")+2:]
			read := Online.NewMessage("")
			if err := read.Decode(message); err != nil || len(read.Bytes(element)) != MACSize || read.Has(64) == read.Has(128) {
				t.Errorf("%s: %v, %s", algorithm, err, read)
			}
			if err := mac.Check(message); err != nil {
				t.Errorf("%s: own message: %v", algorithm, err)
			}
			for i := range message {
				message[i] ^= 1
				if mac.Check(message) == nil {
					t.Errorf("%s: a change of byte %d was not seen", algorithm, i)
				}
				message[i] ^= 1
			}
			refuses(t, mac, answerOf(data), message)
		}
	}
}

func answerOf(data string) *Message {
	m := Online.NewMessage(MTILogAnswer)
	m.Set(7, "1121153012")
	m.Set(11, "000017")
	m.Set(12, "261121183012")
	m.Set(37, "632515000017")
	m.Set(39, "000")
	if data != "" {
		m.Set(72, data)
	}
	return m
}

// refuses tries what is no message with the code of the key.
func refuses(t *testing.T, mac *MAC, plain *Message, sealed []byte) {
	t.Helper()
	bare, err := AppendFrame(nil, plain)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewMAC(AESCMAC, bytes.Repeat([]byte{8}, 16))
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.AppendFrame(nil, plain)
	if err != nil {
		t.Fatal(err)
	}
	for name, message := range map[string][]byte{"no code": bare[2:], "another key": foreign[2:], "cut": sealed[:len(sealed)-1], "longer": append(bytes.Clone(sealed), 0),
		"nothing": nil, "a type alone": []byte("1110"), "bits without a code": append([]byte("1110"), bytes.Repeat([]byte{0xff}, 16)...)} {
		if err := mac.Check(message); !errors.Is(err, ErrMAC) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoMAC(t *testing.T) {
	var none *MAC
	frame, err := none.AppendFrame(nil, answerOf(""))
	plain, plainErr := AppendFrame(nil, answerOf(""))
	if err != nil || plainErr != nil || !bytes.Equal(frame, plain) || none.Check(frame) != nil {
		t.Errorf("%x, %v; %x, %v", frame, err, plain, plainErr)
	}
	if text := fmt.Sprint(sealedMessage(t)); !bytes.Contains([]byte(text), []byte("64=<8 bytes>")) {
		t.Errorf("a log shows the code: %s", text)
	}
}

func sealedMessage(t *testing.T) *Message {
	mac, err := NewMAC(HMACSHA256, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	m := answerOf("")
	if _, err := mac.AppendFrame(nil, m); err != nil {
		t.Fatal(err)
	}
	return m
}
