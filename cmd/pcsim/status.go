package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"settled/internal/pcsim"
)

// serveStatus serves the status page until stop is called; page is its URL, empty when there is none.
func serveStatus(addr string, d doors) (page string, stop func(), err error) {
	if addr == "" {
		return "", func() {}, nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", nil, fmt.Errorf("listen for the status page: %w", err)
	}
	server := &http.Server{Handler: statusPages(d), ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	return "http://" + l.Addr().String() + "/", func() { server.Close(); <-done }, nil
}

// statusPages are the state of the center and of the bank, and what takes a door off the network: POST /bank/down, /bank/up.
func statusPages(d doors) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", d.center)
	if d.bank != nil {
		mux.HandleFunc("GET /bank", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			_ = e.Encode(d.bank.Status())
		})
		handleDown(mux, "bank", d.bank.SetDown)
	}
	if d.acs != nil {
		handleDown(mux, "threeds", func(down bool) error { d.acs.SetDown(down); return nil })
	}
	handleDown(mux, "center", func(down bool) error { d.center.SetDown(down); return nil })
	return mux
}

// handleDown lets a person take a door off the network, and bring it back. While the program ends it is a conflict.
func handleDown(mux *http.ServeMux, door string, set func(down bool) error) {
	for word, down := range map[string]bool{"down": true, "up": false} {
		mux.HandleFunc("POST /"+door+"/"+word, func(w http.ResponseWriter, _ *http.Request) {
			switch err := set(down); {
			case errors.Is(err, pcsim.ErrState):
				http.Error(w, "the "+door+" is not running", http.StatusConflict)
			case err != nil:
				http.Error(w, err.Error(), http.StatusInternalServerError)
			default:
				fmt.Fprintf(w, "the %s is %s\n", door, word)
			}
		})
	}
}
