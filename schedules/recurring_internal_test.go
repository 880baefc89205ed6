package schedules

import "testing"

func TestPanicsOfTheParserAreErrors(t *testing.T) {
	for _, spec := range []string{"TZ=UTC", "CRON_TZ=UTC"} {
		if schedule, err := parseStandard(spec); err == nil {
			t.Errorf("%q is %v", spec, schedule)
		}
	}
}
