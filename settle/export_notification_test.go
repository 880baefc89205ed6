package settle

// DueNotificationsSQL is the question for due notifications.
var DueNotificationsSQL = dueNotifications
