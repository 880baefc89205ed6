package iso8583

// Requirements of the online dialect: the elements that a message of each type must have.
var required = map[string][]int{
	MTIAuthorizationRequest: {2, 3, 4, 7, 11, 12, 22, 24, 26, 32, 37, 41, 42, 49},
	MTIAuthorizationAnswer:  {3, 4, 7, 11, 12, 37, 39, 41, 42, 49},
	MTIFinancialRequest:     {2, 3, 4, 7, 11, 12, 22, 24, 26, 32, 37, 41, 42, 49},
	MTIFinancialAnswer:      {3, 4, 7, 11, 12, 37, 39, 41, 42, 49},
	MTILogRequest:           {7, 11, 12, 24, 32, 37, 72},
	MTILogAnswer:            {7, 11, 12, 37, 39},
	MTIReversalAdvice:       {3, 4, 7, 11, 12, 24, 32, 37, 41, 42, 49, 56},
	MTIReversalRepeat:       {3, 4, 7, 11, 12, 24, 32, 37, 41, 42, 49, 56},
	MTIReversalAnswer:       {3, 4, 7, 11, 12, 37, 39, 41, 42, 49},
	MTIInquiryRequest:       {7, 11, 12, 24, 32, 37, 41, 42, 56},
	MTIInquiryAnswer:        {7, 11, 12, 37, 39, 41, 42},
	MTINetworkRequest:       {7, 11, 12, 24},
	MTINetworkAnswer:        {7, 11, 12, 39},
}

// CheckOnline reports whether m has every element that its type requires in the online dialect. The error is an
// [*Error] with [ErrMissing], or [ErrMTI] for a type that the dialect does not have.
func CheckOnline(m *Message) error {
	fields, ok := required[m.MTI()]
	if !ok {
		return &Error{MTI: m.MTI(), Err: ErrMTI}
	}
	for _, n := range fields {
		if !m.Has(n) {
			return &Error{MTI: m.MTI(), Field: n, Err: ErrMissing}
		}
	}
	return nil
}

// EchoedFields are the elements that an answer repeats from its request when the request has them. The PAN is never
// repeated.
var EchoedFields = [...]int{3, 4, 7, 11, 12, 37, 41, 42, 49}

// Answer makes m the answer to request: the answering type (third digit plus one, repeats answered as the original) and
// the echoed elements. The caller adds DE 38 and 39.
func (m *Message) Answer(request *Message) {
	mti := request.mti
	mti[2]++
	mti[3] -= (mti[3] - '0') % 2 // a repeat
	m.Reset(string(mti[:]))
	for _, n := range EchoedFields {
		if request.Has(n) {
			m.SetBytes(n, request.Bytes(n))
		}
	}
}

// Key is what an answer is matched to its request by: terminal (DE 41), trace number (DE 11), retrieval reference
// (DE 37) and transmission time (DE 7). It is comparable and holds no card data.
type Key struct {
	Terminal [8]byte
	Trace    [6]byte
	RRN      [12]byte
	Sent     [10]byte
}

// Key returns the match key of a message; absent elements are zero.
func (m *Message) Key() (k Key) {
	copy(k.Terminal[:], m.Bytes(41))
	copy(k.Trace[:], m.Bytes(11))
	copy(k.RRN[:], m.Bytes(37))
	copy(k.Sent[:], m.Bytes(7))
	return k
}

// Original names an earlier transaction in DE 56 of a reversal, inquiry or refund.
type Original struct {
	MTI       string // four digits
	Trace     string // its DE 11, six digits
	LocalTime string // its DE 12, YYMMDDhhmmss
	Acquirer  string // its DE 32, 1-11 digits
}

// SetOriginal sets DE 56. Values of the wrong width are refused when the message is encoded or read.
func (m *Message) SetOriginal(o Original) {
	size, _ := ASCII.digits(nil, uint64(len(o.Acquirer)), 2)
	m.Set(56, o.MTI+o.Trace+o.LocalTime+string(size)+o.Acquirer)
}

// Original returns DE 56 in its parts. It returns an [*Error]: [ErrMissing] when there is none, [ErrLength] when the
// parts do not fit.
func (m *Message) Original() (Original, error) {
	v := m.Text(56)
	if v == "" {
		return Original{}, &Error{MTI: m.MTI(), Field: 56, Err: ErrMissing}
	}
	if len(v) < 25 {
		return Original{}, &Error{MTI: m.MTI(), Field: 56, Err: ErrLength}
	}
	if n, ok := ASCII.number([]byte(v[22:24])); !ok || n != len(v)-24 {
		return Original{}, &Error{MTI: m.MTI(), Field: 56, Err: ErrLength}
	}
	return Original{MTI: v[:4], Trace: v[4:10], LocalTime: v[10:22], Acquirer: v[24:]}, nil
}
