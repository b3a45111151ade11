package scopegate_test

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	forbidden = []string{
		"www-authenticate", "invalid_token", "insufficient_scope", "invalid_request", ".well-known", "retry-after",
	}
	statusCode = regexp.MustCompile(`\b[45]\d\d\b`)
)

// Nothing is decided twice: no byte of a refusal is written in the binding. The 415 and 413 of the middleware are its
// own, and named by their constants.
func TestSourceHoldsNoStatusAndNoWordOfARefusal(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path == "reason.go" || strings.HasSuffix(path, "_test.go") ||
			strings.Contains(path, "examples") {
			return err
		}
		if extension := filepath.Ext(path); extension != ".go" && extension != ".c" && extension != ".h" {
			return nil
		}
		files++
		source, err := os.ReadFile(path)
		for _, word := range refusalWords(source) {
			t.Errorf("%s: %s", path, word)
		}
		return err
	})
	if err != nil || files < 10 {
		t.Errorf("%d files: %v", files, err)
	}
}

func TestSearchSeesWhatItMust(t *testing.T) {
	sample := "package sample // 403\nvar status, name = 401, \"Invalid_Token\"\n"
	if found := strings.Join(refusalWords([]byte(sample)), " "); found != `401 "Invalid_Token"` {
		t.Errorf("found %s", found)
	}
}

// refusalWords are the tokens of a source, without comments, that belong in the core.
func refusalWords(source []byte) []string {
	var found []string
	var scan scanner.Scanner
	files := token.NewFileSet()
	scan.Init(files.AddFile("", files.Base(), len(source)), source, nil, 0)
	for {
		_, kind, text := scan.Scan()
		if kind == token.EOF {
			return found
		}
		holds := kind == token.INT && statusCode.MatchString(text)
		for _, word := range forbidden {
			holds = holds || kind == token.STRING && strings.Contains(strings.ToLower(text), word)
		}
		if holds {
			found = append(found, text)
		}
	}
}
