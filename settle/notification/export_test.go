package notification

// DueSQL is the question for due notifications.
var DueSQL = due
