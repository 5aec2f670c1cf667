export function RepositoryPage() { return null; }
