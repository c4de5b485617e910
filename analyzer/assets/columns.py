"""What the columns of an inventory are called: compared without case, accents, blanks and signs.

A header must be one of these names, not merely begin with it: ``Machine type`` is no MAC.
"""

from __future__ import annotations

from typing import Final

ADDRESS: Final = "address"
MAC: Final = "mac"
NAME: Final = "name"
OWNER: Final = "owner"
LOCATION: Final = "location"
NOTES: Final = "notes"

ALIASES: Final[dict[str, tuple[str, ...]]] = {
    ADDRESS: (
        *("ip", "ip address", "ip addresses", "ipv4", "ipv4 address", "ipv6", "ipv6 address", "address", "network"),
        *("subnet", "cidr", "prefix", "ip-adresse", "adresse ip", "dirección ip", "indirizzo ip", "ip-adres"),
    ),
    MAC: (
        *("mac", "mac address", "hardware address", "hw address", "ethernet address", "physical address"),
        *("mac-adresse", "hardware-adresse", "adresse mac", "adresse physique", "dirección mac", "indirizzo mac"),
        *("mac-adres",),
    ),
    NAME: (
        *("name", "hostname", "host", "host name", "device", "device name", "asset", "asset name", "dns name", "fqdn"),
        *("computer name", "gerät", "gerätename", "rechnername", "nom", "nom d'hôte", "appareil", "nombre", "equipo"),
        *("nome", "nome host", "dispositivo", "naam", "apparaat"),
    ),
    OWNER: (
        *("owner", "contact", "responsible", "assigned to", "user", "department", "team", "besitzer", "verantwortlich"),
        *("verantwortlicher", "ansprechpartner", "abteilung", "kontakt", "propriétaire", "responsable", "propietario"),
        *("contacto", "proprietario", "responsabile", "eigenaar", "verantwoordelijke"),
    ),
    LOCATION: (
        *("location", "site", "room", "building", "office", "standort", "ort", "raum", "gebäude", "emplacement"),
        *("lieu", "salle", "bâtiment", "ubicación", "sede", "sala", "posizione", "locatie", "ruimte"),
    ),
    NOTES: (
        *("notes", "note", "comment", "comments", "remarks", "description", "notiz", "notizen", "bemerkung"),
        *("bemerkungen", "kommentar", "beschreibung", "remarque", "remarques", "commentaire", "notas", "comentario"),
        *("descripción", "descrizione", "opmerking", "opmerkingen"),
    ),
}
"""English names first, then German, French, Spanish, Italian and Dutch ones."""

NOTHING: Final = frozenset({"", "-", "--", "n/a", "na", "none", "null", "unknown", "dhcp", "dynamic", "tbd", "?"})
"""What people write, in any case, where there is no address."""
