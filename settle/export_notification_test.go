package settle

// DueNotificationsSQL is the question for due notifications.
const DueNotificationsSQL = dueNotifications
