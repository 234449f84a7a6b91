// Package web makes the pages that people read.
package web

import "net/http"

// Documentation makes the handler of the contract's readable page.
func Documentation(contract []byte) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(contract) }), nil
}
