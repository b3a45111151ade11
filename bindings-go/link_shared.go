//go:build cgo && !scopegate_static

package scopegate

// #cgo pkg-config: scopegate
import "C"
