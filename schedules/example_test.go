package schedules_test

import (
	"fmt"
	"time"

	"settled/schedules"
)

func ExampleResolve() {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		fmt.Println(err)
		return
	}
	halfPastTwo := schedules.NewTimeOfDay(2, 30)
	fmt.Println(schedules.Resolve(schedules.NewDate(2027, time.March, 28), halfPastTwo, berlin))
	fmt.Println(schedules.Resolve(schedules.NewDate(2026, time.October, 25), halfPastTwo, berlin))
	// Output:
	// 2027-03-28 03:00:00 +0200 CEST
	// 2026-10-25 02:30:00 +0200 CEST
}

// A record of Saturday belongs to Monday's window.
func ExamplePlan_At() {
	calendar, err := schedules.NewCalendar(schedules.CalendarData{
		Name: "weekdays", Weekend: []time.Weekday{time.Saturday, time.Sunday}, Horizon: schedules.NewDate(2026, time.December, 31),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	plan := schedules.Plan{Zone: time.UTC, Calendar: calendar, Windows: []schedules.Window{{
		No: 1, Cutoff: schedules.NewTimeOfDay(23, 0), Deadline: schedules.NewTimeOfDay(23, 45), Days: schedules.BusinessDays,
	}}}
	occurrence, err := plan.At(time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC))
	fmt.Println(occurrence.BusinessDate, occurrence.CutoffAt, err)
	// Output: 2026-11-23 2026-11-23 23:00:00 +0000 UTC <nil>
}

func ExampleRecurring_Latest() {
	nightly, err := schedules.ParseRecurring("30 2 * * 1-5", time.UTC)
	if err != nil {
		fmt.Println(err)
		return
	}
	lastRun := time.Date(2026, time.November, 17, 2, 30, 0, 0, time.UTC)
	now := time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)
	for _, slot := range nightly.Due(lastRun, now, 10) {
		fmt.Println("missed", slot.Key)
	}
	slot, _ := nightly.Latest(lastRun, now)
	fmt.Println("latest", slot.Key)
	// Output:
	// missed 2026-11-18T02:30
	// missed 2026-11-19T02:30
	// missed 2026-11-20T02:30
	// latest 2026-11-20T02:30
}
