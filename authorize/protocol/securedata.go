package protocol

// The fields of threedsdata in answers.
const (
	SecureVersion = iota
	SecureServerID
	SecureMethodURL
	SecureMethodData
	SecureResult
	SecureChallenge
	SecureChallengeURL
	SecureChallengeRequest
	SecureECI
	secureCount
)

// SecureData is the 3-D Secure of a payment, by the constants above.
type SecureData [secureCount]string

// secureNames spells them as on the wire.
var secureNames = [secureCount]string{SecureVersion: "version", SecureServerID: "threeDSServerTransID", SecureMethodURL: "threeDSMethodURL",
	SecureMethodData: "threeDSMethodData", SecureResult: "alphaauthresult", SecureChallenge: "challenge", SecureChallengeURL: "challengeurl",
	SecureChallengeRequest: "challengerequest", SecureECI: "eci"}
