echo made >/srv/made
