package mcpgate_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const askVersion = `package main

import (
	"fmt"

	scopegate "github.com/scopegate/scopegate/bindings-go"
)

func main() { fmt.Print(scopegate.Version()) }
`

func TestStaticTagLeavesNothingToFindWhileRunning(t *testing.T) {
	module := freshModule(t, "main.go", askVersion)
	for tags, wanted := range map[string]bool{"": true, "scopegate_static": false} {
		program := filepath.Join(module, "program"+tags)
		goTool(t, module, "build", "-tags", tags, "-o", program, ".")
		file, err := elf.Open(program)
		if err != nil {
			t.Fatal(err)
		}
		libraries, err := file.ImportedLibraries()
		if found := slices.Contains(libraries, "libscopegate.so.0"); err != nil || found != wanted {
			t.Errorf("tags %q: %v, %v", tags, libraries, err)
		}
		_ = file.Close()
	}
	static := exec.CommandContext(t.Context(), filepath.Join(module, "programscopegate_static"))
	static.Env = []string{}
	if version, err := static.Output(); err != nil || !strings.Contains(string(version), ".") {
		t.Errorf("found %q, %v", version, err)
	}
}

func TestCompilerSaysWhatIsMissingWithoutCgo(t *testing.T) {
	command := exec.CommandContext(t.Context(), "go", "build", "..")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	message, err := command.CombinedOutput()
	if err == nil || !strings.Contains(string(message), "needs_cgo_SET_CGO_ENABLED_1") {
		t.Errorf("found %s, %v", message, err)
	}
}
