package protocol

import "net/http"

// Class is what kind of answer a request got, for measuring.
type Class uint8

// The classes, and how many there are.
const (
	ClassSuccess Class = iota
	ClassDeclined
	ClassInProcess
	ClassRefused
	ClassUnauthenticated
	ClassError
	Classes
)

var classNames = [Classes]string{ClassSuccess: "success", ClassDeclined: "declined", ClassInProcess: "in_process", ClassRefused: "refused",
	ClassUnauthenticated: "unauthenticated", ClassError: "error"}

// String is the class as metrics have it.
func (c Class) String() string { return classNames[c] }

// Class is the class of a refusal.
func (f *Fault) Class() Class {
	switch {
	case f.Status >= http.StatusInternalServerError:
		return ClassError
	case f.First == FirstAuthentication:
		return ClassUnauthenticated
	}
	return ClassRefused
}
