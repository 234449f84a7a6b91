package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
)

var (
	//go:embed verify.html
	verifierPage string
	//go:embed verify.css
	verifierStyle string
	//go:embed verify.js
	verifierScript string
	//go:embed verifypage.js
	verifierPageScript string
)

// Verifier makes the handler of the page that verifies receipts in the browser:
// one HTML document that loads nothing else and, where it comes from a server,
// may ask that server for its keys. It sets its own Content-Security-Policy,
// which lets in its one style sheet and its one script by their hashes.
func Verifier() http.Handler {
	script := verifierScript + verifierPageScript
	var body bytes.Buffer
	err := template.Must(template.New("verify").Parse(verifierPage)).Execute(&body, map[string]any{
		"Style": template.CSS(verifierStyle), "Script": template.JS(script),
	})
	if err != nil { // what is embedded always renders
		panic(err)
	}
	policy := fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		sourceHash(verifierStyle), sourceHash(script))
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(body.Bytes())
	})
}

// sourceHash names a style sheet or a script in a Content-Security-Policy.
func sourceHash(text string) string {
	hash := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(hash[:])
}
