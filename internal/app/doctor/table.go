package doctor

import "context"

// needs says what a check cannot do without.
type needs struct{ config, database, schema, centers, probe bool }

// check is one row of the table.
type check struct {
	name string // as docs/doctor.md, the report and Options.Without have it
	asks string // what must be so
	needs
	look func(ctx context.Context, p *patient) []Finding
}

// checks are all of them. To add one, add a row, and what docs/doctor.md says of it.
var checks = []check{
	{"configuration", "The environment and the configuration file are valid.", needs{}, configuration},
	{"calendars", "Every calendar that a center clears by covers the next 30 days, and its list of holidays goes on.", needs{config: true}, calendars},
	{"certificates", "The certificates of the listeners are whole, and valid for the next 30 days.", needs{}, certificates},
	{"link-certificates", "Our certificates for centers are valid for 30 more days.", needs{config: true}, ownCertificates},
	{"database", "The database answers.", needs{}, database},
	{"server", "The server is PostgreSQL 15 or newer and has no setting that loses an acknowledged commit.", needs{database: true}, server},
	{"schema", "The database has the schema of this program: no migration is missing, and none is newer.", needs{database: true}, schema},
	{"rights", "The login is neither a superuser nor the owner of the tables; its sessions take a role of the database, which may what docs/roles.md says and no more.",
		needs{database: true}, rights},
	{"keys", "The keys are those that the database belongs to.", needs{config: true, database: true, schema: true}, keys},
	{"epoch", "The database is the one that the books were kept in, and after a restore or a fail-over nobody has to look at it or at a center.",
		needs{database: true, schema: true}, epochOf},
	{"clock", "The clock of this host is that of the database, to a second.", needs{database: true}, hostClock},
	{"workers", "A worker lives.", needs{database: true, schema: true}, workers},
	{"processes", "Every running process has the configuration that the file says.", needs{config: true, database: true, schema: true}, runningProcesses},
	{"schedules", "Every recurring job ended well in its last slots.", needs{config: true, database: true, schema: true}, recurring},
	{"queue", "The work queue moves: no job waits for a worker for more than a minute, and none was given up.", needs{database: true, schema: true}, queue},
	{"space", "The disk of the database has room, as far as that can be seen from here.", needs{database: true}, space},
	{"windows", "Windows are planned for more than three days, and as the configuration has them.", needs{config: true, database: true, schema: true}, windows},
	{"nights", "The last window of each center was sealed after its cut-off, and its files were delivered and answered.", needs{database: true, schema: true}, nights},
	{"files", "No file waits for a person, and none is late.", needs{database: true, schema: true}, files},
	{"replies", "No reply is quarantined.", needs{database: true, schema: true}, replies},
	{"records", "No record is set aside, and none that was refused waits for a decision.", needs{database: true, schema: true}, records},
	{"authorizations", "No center's log of authorizations is held, and no approval that the books do not know waits for a person.", needs{database: true, schema: true}, authorizations},
	{"breaks", "No break is open.", needs{database: true, schema: true}, openBreaks},
	{"centers", "Every center's file server shows the pinned key, takes our log-in, lets the directories be listed, and has no names left over of deliveries.",
		needs{config: true, database: true, schema: true, centers: true}, centers},
	{"probe", "Every center's file server takes a probe file under a temporary name, lets it be renamed and read back, and removed.",
		needs{config: true, database: true, schema: true, probe: true}, probes},
	{"links", "Every center's online host proves who it is and answers, and its certificate is valid for 30 more days.", needs{config: true, centers: true}, links},
}
