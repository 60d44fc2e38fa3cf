"""Writes orders as OperationsSchedule of B2MML version 7, as an ERP would; with parts to be replaced by worse ones."""

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
SPACE = 'xmlns="http://www.mesa.org/xml/B2MML"'


def material(number: str, item: str, use: str, quantity: str, unit: str) -> str:
    return (
        f"<MaterialRequirement><ID>{number}</ID><MaterialDefinitionID>{item}</MaterialDefinitionID>"
        f"<MaterialUse>{use}</MaterialUse><Quantity><QuantityString>{quantity}</QuantityString>"
        f"<DataType>decimal</DataType><UnitOfMeasure>{unit}</UnitOfMeasure></Quantity></MaterialRequirement>"
    )


def segment(sequence: str, name: str, center: str, duration: str, materials: str = "") -> str:
    return (
        f"<SegmentRequirement><ID>{sequence}</ID><ProcessSegmentID>{name}</ProcessSegmentID>"
        f"<Duration>{duration}</Duration><OperationsDefinitionID>FG</OperationsDefinitionID>"
        f"<OperationsSegmentID>{name}</OperationsSegmentID>"
        f"<EquipmentRequirement><ID>{sequence}E</ID><EquipmentID>{center}</EquipmentID></EquipmentRequirement>"
        f"{materials}</SegmentRequirement>\n"
    )


def request(number: str, quantity: str = "10", unit: str = "pc", item: str = "FG", state: str = "Released") -> str:
    needs = (
        material("P", item, "Produced", quantity, unit)
        + material("C1", "SEAL", "Consumed", str(2 * int(quantity)), "pc")
        + material("C2", "RESIN", "Consumed", str(250 * int(quantity)), "g")
    )
    return (
        f"<OperationsRequest><ID>{number}</ID><StartTime>2026-11-25T06:00:00Z</StartTime>"
        f"<EndTime>2026-12-01T14:00:00Z</EndTime><Priority>5</Priority><RequestState>{state}</RequestState>\n"
        + segment("10", "Assemble", "CELL", "PT30M", needs)
        + segment("20", "Pressure test", "TEST", "PT5M")
        + "</OperationsRequest>\n"
    )


def schedule(*requests: str, published: str = "2026-11-24T08:00:00Z") -> str:
    return (
        f"{HEAD}<OperationsSchedule {SPACE}><ID>S-1</ID><PublishedDate>{published}</PublishedDate>"
        f"<OperationsType>Production</OperationsType>\n{''.join(requests)}</OperationsSchedule>\n"
    )


def message(verb: str, body: str) -> str:
    inner = body.removeprefix(HEAD).replace(f" {SPACE}", "", 1)
    words = {"Sync": '<Sync><ActionCriteria><ActionExpression actionCode="Replace"/></ActionCriteria></Sync>'}
    return (
        f'{HEAD}<{verb}OperationsSchedule {SPACE} releaseID="V7"><ApplicationArea>'
        "<CreationDateTime>2026-11-24T09:00:00Z</CreationDateTime></ApplicationArea>"
        f"<DataArea>{words.get(verb, f'<{verb}/>')}{inner}</DataArea></{verb}OperationsSchedule>\n"
    )
