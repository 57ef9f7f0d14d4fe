/** Combined at random; not the names of real people. */
export const givenNames =
  splitList(`Ada, Ahmed, Aiko, Alejandra, Amara, Anders, Anjali, Bao, Beatriz, Björn, Carmen, Chidi,
  Claire, Dmitri, Elif, Emeka, Emma, Fatima, Felix, Freya, Giulia, Grace, Hana, Hassan, Henrik, Ines, Ingrid, Ivan, Jamal,
  Jana, João, Jonas, Kofi, Kwame, Lars, Layla, Leila, Liam, Linnea, Lucía, Magnus, Malik, Maria, Mateo, Mei, Milan, Mira,
  Naomi, Nikolai, Noor, Olga, Oscar, Paula, Pedro, Priya, Rafael, Rania, Ravi, Rosa, Sanne, Sofia, Stefan, Tariq, Thandi,
  Tomás, Valentina, Wei, Yara, Yuki, Zoë`);

export const familyNames =
  splitList(`Abebe, Almeida, Andersson, Bakker, Banerjee, Bauer, Becker, Bianchi, Castillo, Chen,
  Costa, Das, Diallo, Dubois, Eriksen, Fernández, Fischer, García, Gruber, Haddad, Hansen, Hoffmann, Horvat, Ibrahim,
  Ivanova, Jansen, Johansson, Kaya, Keller, Khan, Kim, Kowalski, Kumar, Larsen, Lindqvist, López, Martin, Mensah, Meyer,
  Moreau, Müller, Mwangi, Nakamura, Nguyen, Novák, Nowak, O'Brien, Okafor, Olsen, Patel, Pereira, Petrov, Popescu, Reyes,
  Ricci, Rossi, Sato, Schmidt, Silva, Singh, Smith, Suzuki, Tanaka, Torres, Tran, Vargas, Virtanen, Wagner, Weber,
  Yılmaz, Zhang, Zimmermann`);

export const places = splitList(`Amsterdam, Athens, Barcelona, Berlin, Bern, Bogotá, Brussels, Buenos Aires, Copenhagen,
  Dublin, Hamburg, Helsinki, Istanbul, Kraków, Lagos, Lisbon, London, Lyon, Madrid, Milan, Montréal, Munich, Nairobi,
  New York, Oslo, Paris, Porto, Prague, San Francisco, São Paulo, Seoul, Singapore, Stockholm, Tokyo, Toronto, Utrecht,
  Vienna, Warsaw, Zürich`);

const firmNames = splitList(`Alder, Amber, Beacon, Birch, Cedar, Cobalt, Copper, Delta, Ember, Falcon, Fjord, Harbor,
  Juniper, Lantern, Maple, Meridian, North, Orchard, Quarry, River, Slate, Summit, Tidal, Willow`);
const firmKinds = splitList(
  "Analytics, Foods, Health, Labs, Logistics, Media, Partners, Robotics, Studio, Systems, Works",
);
export const companies = firmNames.flatMap((name) => firmKinds.map((kind) => `${name} ${kind}`));

interface Trade {
  readonly industry: string;
  readonly titles: readonly string[];
  readonly skills: readonly string[];
}

export const trades: readonly Trade[] = [
  trade(
    "Software",
    "Backend Engineer, Frontend Engineer, Data Engineer, Site Reliability Engineer, Engineering Manager",
    "TypeScript, Go, PostgreSQL, Kubernetes, NATS, React, Rust, Python, Redis, GraphQL",
  ),
  trade(
    "Healthcare",
    "Nurse, General Practitioner, Physiotherapist, Pharmacist, Clinic Manager",
    "Patient care, Triage, Anatomy, Medication safety, Team leadership, Documentation",
  ),
  trade(
    "Finance",
    "Accountant, Financial Analyst, Controller, Risk Manager, Tax Adviser",
    "IFRS, Excel, Forecasting, SQL, Audit, Consolidation, Risk models",
  ),
  trade(
    "Design",
    "Product Designer, Illustrator, UX Researcher, Art Director, Brand Designer",
    "Figma, Typography, Prototyping, User interviews, Motion, Colour",
  ),
  trade(
    "Education",
    "Teacher, Lecturer, School Principal, Curriculum Designer, Tutor",
    "Didactics, Mathematics, Languages, Mentoring, Assessment, Public speaking",
  ),
  trade(
    "Trades",
    "Electrician, Carpenter, Baker, Mechanic, Site Manager",
    "Welding, Blueprints, Wiring, Safety, Sourdough, Estimating, Joinery",
  ),
];

function trade(industry: string, titles: string, skills: string): Trade {
  return { industry, titles: splitList(titles), skills: splitList(skills) };
}

function splitList(text: string): string[] {
  return text.split(/,\s+/);
}
