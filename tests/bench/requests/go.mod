module github.com/scopegate/scopegate/tests/bench/requests

go 1.25.0

require (
	github.com/MicahParks/keyfunc/v3 v3.9.1 // the key set of the alternative
	github.com/golang-jwt/jwt/v5 v5.3.1 // the tokens of the alternative
	github.com/modelcontextprotocol/go-sdk v1.8.0 // the server that is measured
	github.com/scopegate/scopegate/bindings-go v0.1.0
	github.com/scopegate/scopegate/bindings-go/mcp v0.1.0
)

require (
	github.com/MicahParks/jwkset v0.11.4 // indirect
	github.com/google/jsonschema-go v0.4.3 // indirect
	github.com/segmentio/asm v1.1.3 // indirect
	github.com/segmentio/encoding v0.5.4 // indirect
	github.com/yosida95/uritemplate/v3 v3.0.2 // indirect
	golang.org/x/oauth2 v0.35.0 // indirect
	golang.org/x/sync v0.20.0 // indirect
	golang.org/x/sys v0.41.0 // indirect
	golang.org/x/time v0.15.0 // indirect
)

replace (
	github.com/scopegate/scopegate/bindings-go => ../../../bindings-go
	github.com/scopegate/scopegate/bindings-go/mcp => ../../../bindings-go/mcp
)
