-- Of versions that knew no parts: nobody claims them any more. Their run is ended by the sweep.
DELETE FROM job WHERE kind = 'admin_import.step'
