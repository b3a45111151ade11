package main

import (
	"os"
	"strings"
	"testing"
)

func TestReasonsAreThoseOfTheHeader(t *testing.T) {
	t.Chdir("../..")
	if err := run(true); err != nil {
		t.Error(err)
	}
}

func TestChangedHeaderIsNoticed(t *testing.T) {
	declarations, err := os.ReadFile("../../" + header)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(declarations), "SCOPEGATE_EXPIRED 5005", "SCOPEGATE_EXPIRED_LONG_AGO 5005", 1)
	source, err := source([]byte(changed))
	if err != nil || !strings.Contains(string(source), `ReasonExpiredLongAgo Reason = "expired_long_ago"`) {
		t.Errorf("found %v\n%s", err, source)
	}
}
