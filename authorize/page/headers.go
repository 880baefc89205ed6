package page

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Headers sets the headers of the page of v: a policy that lets it load its own two files and post to exactly the
// origins it needs, nothing stored, no referrer, no guessing of types. A URL in v without an http(s) origin is an error.
func Headers(h http.Header, v *View) error {
	policy, ancestors, err := v.policy()
	if err != nil {
		return err
	}
	h.Set("Content-Security-Policy", policy)
	if !ancestors {
		h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()")
	private(h)
	return nil
}

// private is for every answer that is about one buyer.
func private(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}

// policy is the Content-Security-Policy, and whether anybody may frame the page.
func (v *View) policy() (policy string, framed bool, err error) {
	post, frames := v.RedirectTo, []string(nil)
	ancestors := v.FrameAncestors
	switch body := v.Body.(type) {
	case Method:
		post, frames = append(slices.Clone(post), body.URL), []string{body.URL}
	case Challenge:
		post = append(slices.Clone(post), body.URL)
	}
	form, err := sources(post)
	if err != nil {
		return "", false, err
	}
	around, err := sources(ancestors)
	if err != nil {
		return "", false, err
	}
	frame, err := sources(frames)
	if err != nil {
		return "", false, err
	}
	parts := []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
		"form-action 'self'" + form, "base-uri 'none'"}
	if frames != nil {
		parts = append(parts, "frame-src 'self'"+frame) // our own: the method ends with a notification to us
	}
	_, within := v.Body.(MethodDone)
	framed = within || len(ancestors) > 0
	switch {
	case within:
		parts = append(parts, "frame-ancestors 'self'"+around)
	case framed:
		parts = append(parts, "frame-ancestors"+around)
	default:
		parts = append(parts, "frame-ancestors 'none'")
	}
	return strings.Join(parts, "; "), framed, nil
}

// sources are the origins of URLs, each once and with a space before it.
func sources(urls []string) (string, error) {
	var list string
	var seen []string
	for _, u := range urls {
		origin, err := originOf(u)
		if err != nil {
			return "", err
		}
		if !slices.Contains(seen, origin) {
			seen = append(seen, origin)
			list += " " + origin
		}
	}
	return list, nil
}

// originOf is the scheme and host of an http(s) URL, as a policy names it.
func originOf(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", fmt.Errorf("page: an address cannot be read: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.ContainsAny(u.Host, " ;,'\"") {
		return "", fmt.Errorf("page: %q is no http or https address", text)
	}
	return u.Scheme + "://" + asciiHost(u.Host), nil
}
