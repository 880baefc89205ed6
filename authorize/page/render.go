package page

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
)

//go:embed templates/*.html
var templateFiles embed.FS

var templates = template.Must(template.New("page").ParseFS(templateFiles, "templates/*.html"))

// Serve answers a request with the page of v. When it returns an error of the View, nothing was answered.
func Serve(w http.ResponseWriter, status int, v *View) error {
	text, err := render(v)
	if err != nil {
		return err
	}
	if err := Headers(w.Header(), v); err != nil {
		return err
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, err = w.Write(text)
	return err
}

func render(v *View) ([]byte, error) {
	if err := v.check(); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := templates.ExecuteTemplate(&text, "page", newSheet(v)); err != nil {
		return nil, fmt.Errorf("page: render %s: %w", v.Body.Name(), err)
	}
	return text.Bytes(), nil
}

// check refuses what a template could not say.
func (v *View) check() error {
	switch b := v.Body.(type) {
	case Payment:
		return b.check()
	case Method:
		return needOrigin(b.URL)
	case Challenge:
		return needOrigin(b.URL)
	case QR:
		for _, bank := range b.Banks {
			if !bankAddress.MatchString(bank.URL) {
				return fmt.Errorf("page: %q is no address of the app of %s", bank.URL, bank.Name)
			}
		}
	case Wait, MethodDone, Result, Failure:
	default:
		return fmt.Errorf("page: %T is no body of a page", v.Body)
	}
	return nil
}

func (p Payment) check() error {
	if len(p.Means) == 0 {
		return errors.New("page: a payment without means")
	}
	for _, f := range p.Fields {
		if !slices.Contains(CustomerFields, f.Name) {
			return fmt.Errorf("page: %q is no field of a buyer", f.Name)
		}
	}
	return nil
}

func needOrigin(url string) error {
	_, err := originOf(url)
	return err
}
