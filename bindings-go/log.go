//go:build cgo

package scopegate

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// linesPerSecond is the most lines for one reason in one second; the rest are counted.
const linesPerSecond = 5

// A refusalLog writes one line for each refusal: reason, code, what was expected, and where docs/reasons.md has the
// cause and the cure.
type refusalLog struct {
	logger *slog.Logger
	limit  lineLimit
}

// target is looked up each time, since slog.SetDefault may be called after the gate was made.
func (l *refusalLog) target() *slog.Logger {
	if l.logger != nil {
		return l.logger
	}
	return slog.Default()
}

func (l *refusalLog) write(ctx context.Context, refusal *Rejected) {
	message := fmt.Sprintf("scopegate: refused with %d: %s", refusal.Status, refusal.Reason)
	l.limited(ctx, level(refusal.Reason), string(refusal.Reason), message,
		slog.Int("code", refusal.Code),
		slog.String("detail", refusal.Detail),
		slog.String("see", "docs/reasons.md#"+string(refusal.Reason)))
}

// limited writes a line unless the subject has had its lines for this second.
func (l *refusalLog) limited(ctx context.Context, level slog.Level, subject, message string, attrs ...slog.Attr) {
	logger := l.target()
	if !logger.Enabled(ctx, level) {
		return
	}
	suppressed, admitted := l.limit.admit(subject, time.Now())
	if !admitted {
		return
	}
	if suppressed > 0 {
		attrs = append(attrs, slog.Int("not_logged", suppressed))
	}
	logger.LogAttrs(ctx, level, message, attrs...)
}

// level: a request without a token is the start of every client's login, so it is information; what needs an operator
// is an error.
func level(reason Reason) slog.Level {
	switch reason {
	case ReasonMissingToken:
		return slog.LevelInfo
	case ReasonKeysUnavailable, ReasonInternal, ReasonClockUnusable:
		return slog.LevelError
	}
	return slog.LevelWarn
}

// A lineLimit admits linesPerSecond lines for each subject and second.
type lineLimit struct {
	mu       sync.Mutex
	subjects map[string]*lineCount
}

type lineCount struct {
	second              int64
	written, suppressed int
}

// admit tells how many lines were suppressed since the last one that was admitted.
func (l *lineLimit) admit(subject string, now time.Time) (suppressed int, admitted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	count := l.subjects[subject]
	if count == nil {
		if l.subjects == nil {
			l.subjects = make(map[string]*lineCount)
		}
		count = &lineCount{}
		l.subjects[subject] = count
	}
	if second := now.Unix(); count.second != second {
		count.second, count.written = second, 0
	}
	if count.written >= linesPerSecond {
		count.suppressed++
		return 0, false
	}
	count.written++
	suppressed, count.suppressed = count.suppressed, 0
	return suppressed, true
}
