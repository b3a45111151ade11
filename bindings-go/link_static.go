//go:build cgo && scopegate_static

package scopegate

// #cgo pkg-config: scopegate-static
import "C"
